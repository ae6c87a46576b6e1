/* Counts prime numbers with a pool of processes. */

#include <isopod.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint32_t from, to;
} range;

/* A task: runs in a worker, which shares no memory with this program's main process. */
static void count_primes(isopod_call *call) {
    const range *numbers = (const range *)call->input;
    uint32_t count = 0;
    for (uint32_t number = numbers->from; number < numbers->to; number++) {
        bool is_prime = number >= 2;
        for (uint32_t divisor = 2; is_prime && divisor * divisor <= number; divisor++) {
            is_prime = number % divisor != 0;
        }
        count += is_prime;
    }
    isopod_return(call, &count, sizeof count);
}

int main(int argc, char **argv) {
    isopod_init();
    uint32_t limit = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;

    enum { JOBS = 8 };
    range ranges[JOBS];
    isopod_job jobs[JOBS] = { 0 };
    for (uint32_t i = 0; i < JOBS; i++) {
        ranges[i] = (range){ (uint32_t)((uint64_t)limit * i / JOBS), (uint32_t)((uint64_t)limit * (i + 1) / JOBS) };
        jobs[i].data = &ranges[i];
        jobs[i].size = sizeof ranges[i];
    }

    isopod_pool pool;
    isopod_batch batch;
    isopod_check(isopod_pool_create(NULL, &pool), "the pool");
    isopod_check(isopod_pool_submit(pool, ISOPOD_TASK(count_primes), jobs, JOBS, &batch), "the jobs");

    uint32_t total = 0;
    for (int i = 0; i < JOBS; i++) {
        isopod_outcome outcome;
        isopod_check(isopod_batch_next(batch, ISOPOD_FOREVER, &outcome), "a result");
        if (outcome.kind != ISOPOD_JOB_VALUE) {
            fprintf(stderr, "a job failed: %s\n", outcome.text);
            return 1;
        }
        total += *(const uint32_t *)outcome.value.data;
        isopod_outcome_free(&outcome);
    }
    printf("%u primes below %u\n", (unsigned)total, (unsigned)limit);
    return 0;
}
