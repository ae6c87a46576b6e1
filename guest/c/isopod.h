/* isopod.h: processes, pools, queues, pipes and locks for programs in C, and functions for plugins.
 *
 * `isopod build` compiles a program together with the library behind this header, so the user installs and
 * links nothing by hand.
 *
 * A function that fails returns an `isopod_status` other than `ISOPOD_OK` and has changed nothing;
 * `isopod_error()` gives the reason in words. Objects are small values that refer to objects of the host:
 * copy them as you like, and drop each once. Objects travel as handles: `..._to_handle` makes one,
 * `..._open` returns the object behind one.
 *
 * `wit.h` is generated from the WIT and has all functions of the host, under longer names. Its types are the
 * same as these.
 */
#ifndef ISOPOD_H
#define ISOPOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---- */

/* The reason of a failed call, in the order of `error-code` in the WIT. */
typedef enum {
    ISOPOD_OK,
    ISOPOD_TIMED_OUT,
    ISOPOD_EMPTY,
    ISOPOD_FULL,
    ISOPOD_CLOSED,
    ISOPOD_END_OF_FILE,
    ISOPOD_BROKEN_PIPE,
    ISOPOD_READ_ONLY,
    ISOPOD_WRITE_ONLY,
    ISOPOD_NOT_HELD,
    ISOPOD_NOT_OWNER,
    ISOPOD_WRONG_KIND,
    ISOPOD_BUFFER_TOO_SHORT,
    ISOPOD_BROKEN_BARRIER,
    ISOPOD_NOT_A_CHILD,
    ISOPOD_STILL_RUNNING,
    ISOPOD_INVALID_ARGUMENT,
    ISOPOD_MESSAGE_TOO_LARGE,
    ISOPOD_LIMIT_EXCEEDED,
    ISOPOD_ACCESS_DENIED,
    ISOPOD_NO_ENTRY,
    ISOPOD_NOT_FOUND,
    ISOPOD_ALREADY_EXISTS,
    ISOPOD_POOL_NOT_RUNNING,
    ISOPOD_POOL_STILL_RUNNING,
    ISOPOD_POOL_BROKEN,
    ISOPOD_WORKER_LOST,
    ISOPOD_TASK_PANICKED,
    ISOPOD_OTHER
} isopod_status;

/* The text of the last failure. It is valid until the next one. */
const char *isopod_error(void);

/* Ends the process with `isopod_error()` after `what` if the status is a failure. */
void isopod_check(isopod_status status, const char *what);

/* Each call that waits takes a timeout in nanoseconds: 0 does not wait at all. */
#define ISOPOD_FOREVER UINT64_MAX
#define ISOPOD_MILLISECONDS(count) ((uint64_t)(count) * 1000000u)

/* ---- Handles and messages ---- */

/* A reference to an object of the host that can travel. */
typedef isopod_multiprocessing_types_own_handle_t isopod_handle;

/* A received message. A zero byte, which `size` does not count, follows the data, so text is a string. */
typedef struct {
    uint8_t *data;
    size_t size;
    isopod_handle *handles;
    size_t handle_count;
} isopod_message;

/* Frees the data, and drops the handles. */
void isopod_message_free(isopod_message *message);

isopod_handle isopod_handle_duplicate(isopod_handle handle);
void isopod_handle_drop(isopod_handle handle);

/* A handle that the embedder passed to all processes under this name; ISOPOD_NOT_FOUND if there is none. */
isopod_status isopod_inherited(const char *name, isopod_handle *handle);

/* ---- Functions that the library calls: tasks of processes and pools, functions of plugins ---- */

/* One call. A zero byte, which `input_size` does not count, follows the input. Input and handles are
 * freed after the call. The result of a process's task is dropped. */
typedef struct {
    const uint8_t *input;
    size_t input_size;
    const isopod_handle *handles;
    size_t handle_count;
    struct isopod_reply *reply;
} isopod_call;

/* Sets the result of the call to a copy of the data; the last one counts. Without this, it has no bytes. */
void isopod_return(isopod_call *call, const void *data, size_t size);
void isopod_return_text(isopod_call *call, const char *text);

/* Adds a handle to the result of the call, and takes it over. */
void isopod_return_handle(isopod_call *call, isopod_handle handle);

/* Makes the call fail, with a text as in printf; the first one counts. Follow it with `return`. */
__attribute__((format(printf, 2, 3))) void isopod_fail(isopod_call *call, const char *format, ...);

/* As `isopod_fail`, and reports that the input is wrong. */
__attribute__((format(printf, 2, 3))) void isopod_invalid_input(isopod_call *call, const char *format, ...);

/* A function of the program, and its name for people. */
typedef struct {
    const char *name;
    void (*run)(isopod_call *call);
} isopod_task;

#define ISOPOD_TASK(function) ((isopod_task){ #function, function })

/* ---- Processes ---- */

/* Call this first in `main`. In the first process it returns. In any other, it runs the task for which the
 * process was started, and does not return. */
void isopod_init(void);

typedef isopod_multiprocessing_process_own_process_t isopod_process;

/* The options of a new process; zeros change nothing. A child cannot have more rights than its parent. */
typedef struct {
    const char *name;
    bool daemon;               /* ended when its parent ends */
    uint64_t memory_bytes;     /* limit of its memory */
    uint64_t timeout;          /* ended when this much time has passed, in nanoseconds */
    uint64_t cpu_time;         /* ended when it has computed for this long, in nanoseconds */
} isopod_process_options;

/* How a process ended. The code is Python's: the process's own code, 1 for an error, a negative number if it
 * was ended (-9 killed, -15 terminated, -6 trap). The text is empty for `ISOPOD_EXITED`. */
typedef enum {
    ISOPOD_EXITED,
    ISOPOD_FAILED,
    ISOPOD_TERMINATED,
    ISOPOD_KILLED,
    ISOPOD_TRAPPED,
    ISOPOD_MEMORY_LIMIT,
    ISOPOD_CPU_TIME_LIMIT,
    ISOPOD_DEADLINE,
    ISOPOD_LIMIT,
    ISOPOD_DEADLOCK,
    ISOPOD_OTHER_END
} isopod_exit_kind;

typedef struct {
    isopod_exit_kind kind;
    int code;
    char *text;
} isopod_exit_status;

void isopod_exit_status_free(isopod_exit_status *status);

/* Starts a process that runs the task with a copy of the data and its own handles. `options` may be NULL. */
isopod_status isopod_spawn(isopod_task task, const void *data, size_t size, const isopod_handle *handles,
                           size_t handle_count, const isopod_process_options *options, isopod_process *process);

/* Waits for the end of the process. `status` may be NULL; otherwise free it afterwards. */
isopod_status isopod_process_join(isopod_process process, uint64_t timeout, isopod_exit_status *status);
isopod_status isopod_process_terminate(isopod_process process);
isopod_status isopod_process_kill(isopod_process process);
bool isopod_process_is_alive(isopod_process process);
uint64_t isopod_process_id(isopod_process process);
/* Neither ends nor joins the process. */
void isopod_process_drop(isopod_process process);

uint64_t isopod_current_id(void);
uint32_t isopod_core_count(void);

/* ---- Queues ---- */

typedef isopod_multiprocessing_queue_own_queue_t isopod_queue;

/* A bound of 0 means no bound. */
isopod_status isopod_queue_create(uint32_t max_messages, uint64_t max_bytes, isopod_queue *queue);
isopod_status isopod_queue_put(isopod_queue queue, const void *data, size_t size, const isopod_handle *handles,
                               size_t handle_count, uint64_t timeout);
/* Free `message` afterwards. */
isopod_status isopod_queue_get(isopod_queue queue, uint64_t timeout, isopod_message *message);
uint64_t isopod_queue_length(isopod_queue queue);
void isopod_queue_close(isopod_queue queue);
isopod_handle isopod_queue_to_handle(isopod_queue queue);
isopod_status isopod_queue_open(isopod_handle handle, isopod_queue *queue);
void isopod_queue_drop(isopod_queue queue);

/* ---- Pipes ---- */

typedef isopod_multiprocessing_pipe_own_connection_t isopod_connection;

/* Without `duplex` the first end only receives and the second only sends. */
isopod_status isopod_pipe_create(bool duplex, isopod_connection *first, isopod_connection *second);
isopod_status isopod_connection_send(isopod_connection connection, const void *data, size_t size,
                                     const isopod_handle *handles, size_t handle_count, uint64_t timeout);
/* Free `message` afterwards. */
isopod_status isopod_connection_receive(isopod_connection connection, uint64_t timeout, isopod_message *message);
/* Whether a receive would return at once. */
isopod_status isopod_connection_poll(isopod_connection connection, uint64_t timeout, bool *ready);
isopod_handle isopod_connection_to_handle(isopod_connection connection);
isopod_status isopod_connection_open(isopod_handle handle, isopod_connection *connection);
void isopod_connection_drop(isopod_connection connection);

/* ---- Locks ---- */

typedef isopod_multiprocessing_sync_own_lock_t isopod_lock;

isopod_status isopod_lock_create(isopod_lock *lock);
/* `abandoned` may be NULL; true means that the last owner ended without releasing the lock. */
isopod_status isopod_lock_acquire(isopod_lock lock, uint64_t timeout, bool *abandoned);
isopod_status isopod_lock_release(isopod_lock lock);
isopod_handle isopod_lock_to_handle(isopod_lock lock);
isopod_status isopod_lock_open(isopod_handle handle, isopod_lock *lock);
void isopod_lock_drop(isopod_lock lock);

/* ---- Pools ---- */

typedef isopod_multiprocessing_pool_own_pool_t isopod_pool;
typedef isopod_multiprocessing_pool_own_batch_t isopod_batch;

/* The options of a pool; zeros change nothing: as many workers as cores, no limits. */
typedef struct {
    uint32_t workers;
    uint32_t max_jobs_per_worker;
    uint64_t job_timeout;      /* in nanoseconds */
    uint64_t memory_bytes;     /* limit of each worker */
    bool fail_fast;
} isopod_pool_options;

/* The input of one job of a batch. */
typedef struct {
    const void *data;
    size_t size;
    const isopod_handle *handles;
    size_t handle_count;
} isopod_job;

typedef enum {
    ISOPOD_JOB_VALUE,          /* `value` has the result of the task */
    ISOPOD_JOB_FAILED,         /* here and below, `text` has the reason */
    ISOPOD_JOB_PANICKED,
    ISOPOD_JOB_WORKER_LOST,
    ISOPOD_JOB_CANCELLED,
    ISOPOD_JOB_POOL_BROKEN
} isopod_outcome_kind;

/* The outcome of a job. */
typedef struct {
    isopod_outcome_kind kind;
    isopod_message value;
    char *text;
} isopod_outcome;

void isopod_outcome_free(isopod_outcome *outcome);

/* `options` may be NULL. */
isopod_status isopod_pool_create(const isopod_pool_options *options, isopod_pool *pool);
/* Submits `count` jobs of one task. */
isopod_status isopod_pool_submit(isopod_pool pool, isopod_task task, const isopod_job *jobs, size_t count,
                                 isopod_batch *batch);
void isopod_pool_close(isopod_pool pool);
void isopod_pool_terminate(isopod_pool pool);
isopod_status isopod_pool_join(isopod_pool pool, uint64_t timeout);
/* Terminates the pool. */
void isopod_pool_drop(isopod_pool pool);

/* Waits for the next job in the order of the jobs; ISOPOD_EMPTY after the last. Free `outcome` afterwards. */
isopod_status isopod_batch_next(isopod_batch batch, uint64_t timeout, isopod_outcome *outcome);
/* As `isopod_batch_next` in the order in which the jobs end, with the position of the job. */
isopod_status isopod_batch_next_ended(isopod_batch batch, uint64_t timeout, uint32_t *position,
                                      isopod_outcome *outcome);
void isopod_batch_drop(isopod_batch batch);

/* ---- Plugins ---- */

/* A function that the embedder can call. */
typedef struct {
    const char *name;
    const char *text;
    void (*run)(isopod_call *call);
} isopod_plugin_function;

extern const isopod_plugin_function isopod_plugin_functions[];

/* Makes the file a plugin with these functions:
 *
 *     ISOPOD_PLUGIN(
 *         { "upper", "The text in capitals.", upper },
 *         { "count", "The number of words.", count })
 */
#define ISOPOD_PLUGIN(...) \
    const isopod_plugin_function isopod_plugin_functions[] = { __VA_ARGS__, { NULL, NULL, NULL } };

#ifdef __cplusplus
}
#endif

#endif
