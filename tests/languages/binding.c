/* Uses each part of the C binding, and prints the results. */

#include <isopod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static isopod_handle only_handle(isopod_call *call) {
    if (call->handle_count != 1) {
        isopod_fail(call, "%zu handles instead of one", call->handle_count);
        exit(3);
    }
    return call->handles[0];
}

/* Puts its input into the queue that comes with it. */
static void greet(isopod_call *call) {
    isopod_queue queue;
    isopod_check(isopod_queue_open(only_handle(call), &queue), "the queue");
    isopod_check(isopod_queue_put(queue, call->input, call->input_size, NULL, 0, ISOPOD_FOREVER), "put");
    isopod_queue_drop(queue);
}

/* Sends each message back in capitals until the other end is gone. */
static void shout(isopod_call *call) {
    isopod_connection connection;
    isopod_check(isopod_connection_open(only_handle(call), &connection), "the pipe");
    isopod_message message;
    isopod_status status;
    while ((status = isopod_connection_receive(connection, ISOPOD_FOREVER, &message)) == ISOPOD_OK) {
        for (size_t i = 0; i < message.size; i++) {
            message.data[i] &= (uint8_t)~0x20;
        }
        isopod_check(isopod_connection_send(connection, message.data, message.size, NULL, 0, ISOPOD_FOREVER),
                     "send");
        isopod_message_free(&message);
    }
    exit(status == ISOPOD_END_OF_FILE ? 7 : 8);
}

/* Ends while it holds the lock. */
static void keep(isopod_call *call) {
    isopod_lock lock;
    isopod_check(isopod_lock_open(only_handle(call), &lock), "the lock");
    isopod_check(isopod_lock_acquire(lock, ISOPOD_FOREVER, NULL), "acquire");
    abort();
}

static void loop(isopod_call *call) {
    (void)call;
    for (volatile unsigned i = 0;; i++) {
    }
}

static void refuse(isopod_call *call) {
    isopod_fail(call, "no more than %d", 3);
}

static void divide(isopod_call *call) {
    int number = atoi((const char *)call->input);
    if (number == 0) {
        isopod_fail(call, "%s is no divisor", (const char *)call->input);
    } else if (number < 0) {
        abort();
    } else {
        char text[16];
        snprintf(text, sizeof text, "%d", 100 / number);
        isopod_return_text(call, text);
    }
}

static void print_end(const char *name, isopod_process process) {
    isopod_exit_status status;
    isopod_check(isopod_process_join(process, ISOPOD_FOREVER, &status), "join");
    status.text[strcspn(status.text, "\n")] = 0;
    printf("%s: kind %d, code %d, `%s`\n", name, (int)status.kind, status.code, status.text);
    isopod_exit_status_free(&status);
    isopod_process_drop(process);
}

static void queues(void) {
    isopod_queue queue;
    isopod_process process;
    isopod_message message;
    isopod_check(isopod_queue_create(0, 0, &queue), "queue");
    isopod_handle handle = isopod_queue_to_handle(queue);
    isopod_check(isopod_spawn(ISOPOD_TASK(greet), "hello", 5, &handle, 1, NULL, &process), "spawn");
    isopod_check(isopod_queue_get(queue, ISOPOD_FOREVER, &message), "get");
    printf("queue: `%s`, %zu bytes, %u left\n", (char *)message.data, message.size,
           (unsigned)isopod_queue_length(queue));
    isopod_message_free(&message);
    print_end("greet", process);

    isopod_status status = isopod_queue_get(queue, ISOPOD_MILLISECONDS(1), &message);
    printf("an empty queue: %d, %s\n", (int)status, isopod_error());
    isopod_lock lock;
    status = isopod_lock_open(handle, &lock);
    printf("no lock: %d, %s\n", (int)status, isopod_error());
    isopod_handle_drop(handle);
    /* A handle in a message. */
    isopod_queue inner;
    isopod_check(isopod_queue_create(1, 0, &inner), "inner queue");
    isopod_handle inner_handle = isopod_queue_to_handle(inner);
    isopod_check(isopod_queue_put(queue, "", 0, &inner_handle, 1, 0), "put a handle");
    isopod_handle_drop(inner_handle);
    isopod_check(isopod_queue_get(queue, 0, &message), "get a handle");
    isopod_queue same;
    isopod_check(isopod_queue_open(message.handles[0], &same), "open");
    isopod_check(isopod_queue_put(same, "x", 1, NULL, 0, 0), "put through it");
    printf("a full queue: %d, %s\n", (int)isopod_queue_put(inner, "y", 1, NULL, 0, 0), isopod_error());
    isopod_message_free(&message);
    isopod_queue_close(inner);
    printf("a closed queue: %d, %s\n", (int)isopod_queue_put(same, "y", 1, NULL, 0, 0), isopod_error());
    isopod_queue_drop(same);
    isopod_queue_drop(inner);
    isopod_queue_drop(queue);
}

static void pipes(void) {
    isopod_connection here, there;
    isopod_process process;
    isopod_message message;
    isopod_check(isopod_pipe_create(true, &here, &there), "pipe");
    isopod_handle handle = isopod_connection_to_handle(there);
    isopod_check(isopod_spawn(ISOPOD_TASK(shout), NULL, 0, &handle, 1, NULL, &process), "spawn");
    isopod_handle_drop(handle);
    isopod_connection_drop(there);
    isopod_check(isopod_connection_send(here, "ping", 4, NULL, 0, ISOPOD_FOREVER), "send");
    bool ready = false;
    isopod_check(isopod_connection_poll(here, ISOPOD_FOREVER, &ready), "poll");
    isopod_check(isopod_connection_receive(here, ISOPOD_FOREVER, &message), "receive");
    printf("pipe: `%s`, ready %d\n", (char *)message.data, (int)ready);
    isopod_message_free(&message);
    isopod_connection_drop(here);
    print_end("shout", process);
}

static void locks(void) {
    isopod_lock lock;
    isopod_process process;
    bool abandoned = false;
    isopod_check(isopod_lock_create(&lock), "lock");
    isopod_handle handle = isopod_lock_to_handle(lock);
    isopod_check(isopod_spawn(ISOPOD_TASK(keep), NULL, 0, &handle, 1, NULL, &process), "spawn");
    isopod_handle_drop(handle);
    isopod_check(isopod_process_join(process, ISOPOD_FOREVER, NULL), "join");
    isopod_check(isopod_lock_acquire(lock, ISOPOD_FOREVER, &abandoned), "acquire");
    printf("lock: abandoned %d\n", (int)abandoned);
    isopod_check(isopod_lock_release(lock), "release");
    printf("released twice: %d, %s\n", (int)isopod_lock_release(lock), isopod_error());
    isopod_process_drop(process);
    isopod_lock_drop(lock);
}

static void ends(void) {
    isopod_process process;
    isopod_process_options options = { .name = "looper", .daemon = true };
    isopod_check(isopod_spawn(ISOPOD_TASK(loop), NULL, 0, NULL, 0, &options, &process), "spawn");
    printf("alive: %d\n", (int)isopod_process_is_alive(process));
    printf("join: %d\n", (int)isopod_process_join(process, ISOPOD_MILLISECONDS(1), NULL));
    isopod_check(isopod_process_kill(process), "kill");
    print_end("killed", process);
    options = (isopod_process_options){ .cpu_time = ISOPOD_MILLISECONDS(20) };
    isopod_check(isopod_spawn(ISOPOD_TASK(loop), NULL, 0, NULL, 0, &options, &process), "spawn");
    isopod_exit_status status;
    isopod_check(isopod_process_join(process, ISOPOD_FOREVER, &status), "join");
    printf("limited: kind %d, code %d\n", (int)status.kind, status.code);
    isopod_exit_status_free(&status);
    isopod_process_drop(process);
    isopod_check(isopod_spawn(ISOPOD_TASK(refuse), NULL, 0, NULL, 0, NULL, &process), "spawn");
    print_end("refused", process);
    options = (isopod_process_options){ .memory_bytes = UINT64_MAX };
    isopod_status refused = isopod_spawn(ISOPOD_TASK(loop), NULL, 0, NULL, 0, &options, &process);
    printf("more than the parent has: %s\n", refused == ISOPOD_LIMIT_EXCEEDED ? "refused" : "given");
    if (refused == ISOPOD_OK) {
        isopod_check(isopod_process_terminate(process), "terminate");
    }
}

static void pools(void) {
    static const char *const inputs[] = { "4", "0", "-1", "5" };
    enum { COUNT = sizeof inputs / sizeof *inputs };
    isopod_job jobs[COUNT] = { 0 };
    for (size_t i = 0; i < COUNT; i++) {
        jobs[i].data = inputs[i];
        jobs[i].size = strlen(inputs[i]);
    }
    isopod_pool_options options = { .workers = 2 };
    isopod_pool pool;
    isopod_batch batch;
    isopod_outcome outcome;
    isopod_check(isopod_pool_create(&options, &pool), "pool");
    isopod_check(isopod_pool_submit(pool, ISOPOD_TASK(divide), jobs, COUNT, &batch), "submit");
    isopod_pool_close(pool);
    while (isopod_batch_next(batch, ISOPOD_FOREVER, &outcome) == ISOPOD_OK) {
        if (outcome.kind == ISOPOD_JOB_VALUE) {
            printf("job: `%s`\n", (char *)outcome.value.data);
        } else {
            outcome.text[strcspn(outcome.text, "\n")] = 0;
            printf("job: kind %d, `%s`\n", (int)outcome.kind, outcome.text);
        }
        isopod_outcome_free(&outcome);
    }
    printf("after the last: %s\n", isopod_error());
    isopod_check(isopod_pool_join(pool, ISOPOD_FOREVER), "join");
    isopod_batch_drop(batch);
    isopod_pool_drop(pool);
}

int main(void) {
    isopod_init();
    printf("%s core\n", isopod_core_count() > 0 && isopod_current_id() > 0 ? "a" : "no");
    queues();
    pipes();
    locks();
    ends();
    pools();
    isopod_handle handle;
    printf("inherited: %d\n", (int)isopod_inherited("nothing", &handle));
    return 5;
}
