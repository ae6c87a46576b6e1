// Uses each part of the binding for JavaScript, and prints the results.

import { Lock, Pool, Process, Queue, coreCount, exit, pipe } from './isopod.js';

export function greet(queue, text) {
  queue.put({ text, bytes: new Uint8Array([1, 2, 255]) });
}

export function shout(connection) {
  for (;;) {
    try {
      connection.send(connection.receive().toUpperCase());
    } catch (error) {
      exit(error.kind === 'end-of-file' ? 7 : 8);
    }
  }
}

export function keep(lock) {
  lock.acquire();
  exit(0);
}

export function loop() {
  for (;;);
}

export function refuse() {
  throw new RangeError('no more than 3');
}

export function divide(number) {
  if (number === 0) throw new RangeError('0 is no divisor');
  return 100 / number;
}

const caught = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error.kind}: ${error.message}`;
  }
};

export function main(args) {
  console.log('arguments:', JSON.stringify(args), coreCount() > 0);

  const queue = Queue.create();
  const child = Process.spawn(greet, [queue, 'hello'], { name: 'greeter' });
  const { text, bytes } = queue.get();
  console.log('queue:', text, bytes.join(), queue.length, child.name, JSON.stringify(child.join()));
  console.log('empty:', caught(() => queue.get(0)));
  const inner = Queue.create({ maxMessages: 1 });
  queue.put([inner]);
  const [same] = queue.get();
  same.put(1);
  console.log('full:', caught(() => inner.put(2, 0)));
  inner.close();
  console.log('closed:', caught(() => same.put(2)));

  const [here, there] = pipe();
  const shouter = Process.spawn(shout, [there]);
  here.send('ping');
  console.log('pipe:', here.receive(), here.poll());
  shouter.kill();
  console.log('killed:', JSON.stringify(shouter.join()));

  const lock = Lock.create();
  Process.spawn(keep, [lock]).join();
  console.log('lock:', lock.acquire());
  lock.release();
  console.log('with:', lock.with(() => 'held'), caught(() => lock.release()));

  const looper = Process.spawn(loop, [], { daemon: true });
  console.log('alive:', looper.alive, caught(() => looper.join(0.001)));
  looper.terminate();
  console.log('terminated:', JSON.stringify(looper.join()));
  const failed = Process.spawn(refuse).join();
  console.log('failed:', failed.tag, failed.val.split('\n')[0]);
  console.log('not exported:', caught(() => Process.spawn(() => 1)));

  const pool = Pool.create({ workers: 2 });
  console.log('pool:', pool.map(divide, [1, 2, 4]).join(), pool.apply(divide, [5]));
  console.log('pool failed:', caught(() => pool.map(divide, [1, 0])));
  console.log('lost:', caught(() => pool.apply(exit9)));
  console.log('unordered:', [...pool.imapUnordered(divide, [10, 20])].sort().join(';'));
  pool.close();
  pool.join();
  exit(5);
}

export function exit9() {
  exit(9);
}
