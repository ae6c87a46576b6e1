// Counts prime numbers with a pool of processes.

import { Pool } from './isopod.js';

/** A task: it is exported, so that other processes find it. They share no memory with this one. */
export function countPrimes([from, to]) {
  let count = 0;
  for (let number = Math.max(from, 2); number < to; number += 1) {
    let isPrime = true;
    for (let divisor = 2; isPrime && divisor * divisor <= number; divisor += 1) {
      isPrime = number % divisor !== 0;
    }
    if (isPrime) count += 1;
  }
  return count;
}

/** Runs in the first process only. */
export function main([limit = '100000']) {
  const jobs = 8;
  const bound = (job) => Math.floor((Number(limit) * job) / jobs);
  const ranges = Array.from({ length: jobs }, (_, job) => [bound(job), bound(job + 1)]);
  const counts = Pool.create().map(countPrimes, ranges);
  const total = counts.reduce((sum, count) => sum + count, 0);
  console.log(`${total} primes below ${limit}`);
}
