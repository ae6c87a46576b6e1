/* The shared declarations of the library's files. */
#ifndef ISOPOD_INTERNAL_H
#define ISOPOD_INTERNAL_H

#include "isopod.h"

typedef isopod_multiprocessing_types_error_code_t wit_error;
typedef isopod_multiprocessing_types_message_t wit_message;
typedef isopod_multiprocessing_types_borrow_handle_t wit_borrow;

/* The result of a call. */
struct isopod_reply {
    uint8_t *data;
    size_t size;
    isopod_handle *handles;
    size_t handle_count;
    char *failure;
    bool input_is_invalid;
};

/* As malloc and realloc, but the process fails if memory runs out, because no caller could go on. */
void *isopod_internal_allocate(void *block, size_t size);

/* A copy of a text from the host, as a string. */
char *isopod_internal_string(const wit_string_t *text);

/* A text for the host, which does not keep it. */
wit_string_t isopod_internal_text(const char *text);

/* Keeps the error for `isopod_error`, and frees it. */
isopod_status isopod_internal_failed(wit_error *error);

/* Converts a message of the host. */
isopod_message isopod_internal_message(wit_message message);

/* The handles as borrowed ones. The caller frees the result. */
wit_borrow *isopod_internal_lend(const isopod_handle *handles, size_t count);

/* Runs a function with a message, and frees the message. */
void isopod_internal_run(void (*run)(isopod_call *), isopod_message *input, size_t skipped,
                         struct isopod_reply *reply);
void isopod_internal_reply_free(struct isopod_reply *reply);

/* Ends the process with this error. Does not return. */
__attribute__((noreturn)) void isopod_internal_die(const char *text);

/* The message that starts a task: the function, then the data. The caller frees the block. */
uint8_t *isopod_internal_task_message(isopod_task task, const void *data, size_t size, size_t *total);

/* Runs the task in a message, and frees the message. */
void isopod_internal_run_task(isopod_message *message, struct isopod_reply *reply);

/* Serves the pool until it has no more jobs. */
void isopod_internal_work(isopod_multiprocessing_process_option_begun_job_t *initializer);

/* Converts the exit status of a process, and frees `ended`. */
isopod_exit_status isopod_internal_exit_status(isopod_multiprocessing_types_exit_status_t *ended);

#endif
