/* Errors, messages, queues, pipes and locks: each function calls the generated one. */

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *last_error = NULL;

/* The texts of the reasons that come without a text, in the order of `isopod_status`. */
static const char *const reasons[] = {
    "no error",
    "the timeout passed",
    "there is nothing to take",
    "there is no room",
    "the object was closed",
    "the other end is gone and nothing is left to read",
    "the other end is gone",
    "this end of a pipe cannot be written",
    "this end of a pipe cannot be read",
    "released more often than acquired",
    "the caller does not own it",
    "the handle belongs to an object of another kind",
    "a buffer is too small for the message",
    "the barrier is broken",
    "the process is not a child of the caller",
    "the process has not ended",
};

static const size_t reason_count = sizeof reasons / sizeof *reasons;

const char *isopod_error(void) {
    return last_error == NULL ? reasons[0] : last_error;
}

void isopod_check(isopod_status status, const char *what) {
    if (status == ISOPOD_OK) {
        return;
    }
    char text[1024];
    snprintf(text, sizeof text, "%s: %s", what, isopod_error());
    isopod_internal_die(text);
}

void isopod_internal_die(const char *text) {
    fflush(NULL);
    wit_string_t message = isopod_internal_text(text);
    isopod_multiprocessing_process_fail(&message);
    abort();
}

void *isopod_internal_allocate(void *block, size_t size) {
    void *result = realloc(block, size == 0 ? 1 : size);
    if (result == NULL) {
        isopod_internal_die("out of memory");
    }
    return result;
}

char *isopod_internal_string(const wit_string_t *text) {
    char *copy = isopod_internal_allocate(NULL, text->len + 1);
    if (text->len > 0) {
        memcpy(copy, text->ptr, text->len);
    }
    copy[text->len] = 0;
    return copy;
}

wit_string_t isopod_internal_text(const char *text) {
    return (wit_string_t){ (uint8_t *)text, strlen(text) };
}

static char *copy_of(const char *text) {
    wit_string_t borrowed = isopod_internal_text(text);
    return isopod_internal_string(&borrowed);
}

isopod_status isopod_internal_failed(wit_error *error) {
    free(last_error);
    isopod_status status = (isopod_status)(error->tag + 1);
    switch (status) {
        case ISOPOD_POOL_NOT_RUNNING: last_error = copy_of("the pool takes no more jobs"); break;
        case ISOPOD_POOL_STILL_RUNNING: last_error = copy_of("the pool must be closed first"); break;
        default:
            /* All reasons with a text have it at the same offset. */
            last_error = (size_t)status < reason_count ? copy_of(reasons[status])
                                                       : isopod_internal_string(&error->val.other);
    }
    isopod_multiprocessing_types_error_code_free(error);
    return status;
}

/* Keeps a reason that this library itself has found. */
static isopod_status refused(isopod_status status, const char *text) {
    free(last_error);
    last_error = copy_of(text);
    return status;
}

isopod_message isopod_internal_message(wit_message message) {
    uint8_t *data = isopod_internal_allocate(message.bytes.len > 0 ? message.bytes.ptr : NULL,
                                             message.bytes.len + 1);
    data[message.bytes.len] = 0;
    return (isopod_message){ data, message.bytes.len, message.handles.ptr, message.handles.len };
}

void isopod_message_free(isopod_message *message) {
    for (size_t i = 0; i < message->handle_count; i++) {
        isopod_handle_drop(message->handles[i]);
    }
    if (message->handle_count > 0) {
        free(message->handles);
    }
    free(message->data);
    *message = (isopod_message){ NULL, 0, NULL, 0 };
}

wit_borrow *isopod_internal_lend(const isopod_handle *handles, size_t count) {
    wit_borrow *lent = isopod_internal_allocate(NULL, count * sizeof *lent);
    for (size_t i = 0; i < count; i++) {
        lent[i] = isopod_multiprocessing_types_borrow_handle(handles[i]);
    }
    return lent;
}

isopod_handle isopod_handle_duplicate(isopod_handle handle) {
    return isopod_multiprocessing_types_method_handle_duplicate(
        isopod_multiprocessing_types_borrow_handle(handle));
}

void isopod_handle_drop(isopod_handle handle) {
    isopod_multiprocessing_types_handle_drop_own(handle);
}

isopod_status isopod_inherited(const char *name, isopod_handle *handle) {
    wit_string_t text = isopod_internal_text(name);
    return isopod_multiprocessing_process_inherited(&text, handle)
               ? ISOPOD_OK
               : refused(ISOPOD_NOT_FOUND, "no handle was given under this name");
}

/* A timeout as the generated functions take it. */
#define OPTIONAL(timeout) ((timeout) == ISOPOD_FOREVER ? NULL : &(timeout))

#define DONE(succeeded) ((succeeded) ? ISOPOD_OK : isopod_internal_failed(&error))

/* ---- Queues ---- */

static isopod_multiprocessing_queue_borrow_queue_t borrow_queue(isopod_queue queue) {
    return isopod_multiprocessing_queue_borrow_queue(queue);
}

isopod_status isopod_queue_create(uint32_t max_messages, uint64_t max_bytes, isopod_queue *queue) {
    wit_error error;
    return DONE(isopod_multiprocessing_queue_static_queue_create(
        max_messages == 0 ? NULL : &max_messages, max_bytes == 0 ? NULL : &max_bytes, queue, &error));
}

isopod_status isopod_queue_put(isopod_queue queue, const void *data, size_t size, const isopod_handle *handles,
                               size_t handle_count, uint64_t timeout) {
    wit_error error;
    wit_list_u8_t bytes = { (uint8_t *)data, size };
    wit_borrow *lent = isopod_internal_lend(handles, handle_count);
    isopod_multiprocessing_queue_list_borrow_handle_t list = { lent, handle_count };
    bool succeeded = isopod_multiprocessing_queue_method_queue_put(borrow_queue(queue), &bytes, &list,
                                                                   OPTIONAL(timeout), &error);
    free(lent);
    return DONE(succeeded);
}

isopod_status isopod_queue_get(isopod_queue queue, uint64_t timeout, isopod_message *message) {
    wit_error error;
    wit_message received;
    if (!isopod_multiprocessing_queue_method_queue_get(borrow_queue(queue), OPTIONAL(timeout), &received,
                                                       &error)) {
        return isopod_internal_failed(&error);
    }
    *message = isopod_internal_message(received);
    return ISOPOD_OK;
}

uint64_t isopod_queue_length(isopod_queue queue) {
    return isopod_multiprocessing_queue_method_queue_len(borrow_queue(queue));
}

void isopod_queue_close(isopod_queue queue) {
    isopod_multiprocessing_queue_method_queue_close(borrow_queue(queue));
}

isopod_handle isopod_queue_to_handle(isopod_queue queue) {
    return isopod_multiprocessing_queue_method_queue_to_handle(borrow_queue(queue));
}

isopod_status isopod_queue_open(isopod_handle handle, isopod_queue *queue) {
    wit_error error;
    return DONE(isopod_multiprocessing_queue_static_queue_open(
        isopod_multiprocessing_types_borrow_handle(handle), queue, &error));
}

void isopod_queue_drop(isopod_queue queue) {
    isopod_multiprocessing_queue_queue_drop_own(queue);
}

/* ---- Pipes ---- */

static isopod_multiprocessing_pipe_borrow_connection_t borrow_connection(isopod_connection connection) {
    return isopod_multiprocessing_pipe_borrow_connection(connection);
}

isopod_status isopod_pipe_create(bool duplex, isopod_connection *first, isopod_connection *second) {
    wit_error error;
    isopod_multiprocessing_pipe_tuple2_own_connection_own_connection_t ends;
    if (!isopod_multiprocessing_pipe_create(duplex, &ends, &error)) {
        return isopod_internal_failed(&error);
    }
    *first = ends.f0;
    *second = ends.f1;
    return ISOPOD_OK;
}

isopod_status isopod_connection_send(isopod_connection connection, const void *data, size_t size,
                                     const isopod_handle *handles, size_t handle_count, uint64_t timeout) {
    wit_error error;
    wit_list_u8_t bytes = { (uint8_t *)data, size };
    wit_borrow *lent = isopod_internal_lend(handles, handle_count);
    isopod_multiprocessing_pipe_list_borrow_handle_t list = { lent, handle_count };
    bool succeeded = isopod_multiprocessing_pipe_method_connection_send(
        borrow_connection(connection), &bytes, &list, OPTIONAL(timeout), &error);
    free(lent);
    return DONE(succeeded);
}

isopod_status isopod_connection_receive(isopod_connection connection, uint64_t timeout,
                                        isopod_message *message) {
    wit_error error;
    wit_message received;
    if (!isopod_multiprocessing_pipe_method_connection_recv(borrow_connection(connection),
                                                            OPTIONAL(timeout), &received, &error)) {
        return isopod_internal_failed(&error);
    }
    *message = isopod_internal_message(received);
    return ISOPOD_OK;
}

isopod_status isopod_connection_poll(isopod_connection connection, uint64_t timeout, bool *ready) {
    wit_error error;
    return DONE(isopod_multiprocessing_pipe_method_connection_poll(borrow_connection(connection),
                                                                   OPTIONAL(timeout), ready, &error));
}

isopod_handle isopod_connection_to_handle(isopod_connection connection) {
    return isopod_multiprocessing_pipe_method_connection_to_handle(borrow_connection(connection));
}

isopod_status isopod_connection_open(isopod_handle handle, isopod_connection *connection) {
    wit_error error;
    return DONE(isopod_multiprocessing_pipe_static_connection_open(
        isopod_multiprocessing_types_borrow_handle(handle), connection, &error));
}

void isopod_connection_drop(isopod_connection connection) {
    isopod_multiprocessing_pipe_connection_drop_own(connection);
}

/* ---- Locks ---- */

static isopod_multiprocessing_sync_borrow_lock_t borrow_lock(isopod_lock lock) {
    return isopod_multiprocessing_sync_borrow_lock(lock);
}

isopod_status isopod_lock_create(isopod_lock *lock) {
    wit_error error;
    return DONE(isopod_multiprocessing_sync_static_lock_create(lock, &error));
}

isopod_status isopod_lock_acquire(isopod_lock lock, uint64_t timeout, bool *abandoned) {
    wit_error error;
    isopod_multiprocessing_sync_acquired_t acquired;
    if (!isopod_multiprocessing_sync_method_lock_acquire(borrow_lock(lock), OPTIONAL(timeout), &acquired,
                                                         &error)) {
        return isopod_internal_failed(&error);
    }
    if (abandoned != NULL) {
        *abandoned = acquired == ISOPOD_MULTIPROCESSING_SYNC_ACQUIRED_ABANDONED;
    }
    return ISOPOD_OK;
}

isopod_status isopod_lock_release(isopod_lock lock) {
    wit_error error;
    return DONE(isopod_multiprocessing_sync_method_lock_release(borrow_lock(lock), &error));
}

isopod_handle isopod_lock_to_handle(isopod_lock lock) {
    return isopod_multiprocessing_sync_method_lock_to_handle(borrow_lock(lock));
}

isopod_status isopod_lock_open(isopod_handle handle, isopod_lock *lock) {
    wit_error error;
    return DONE(isopod_multiprocessing_sync_static_lock_open(
        isopod_multiprocessing_types_borrow_handle(handle), lock, &error));
}

void isopod_lock_drop(isopod_lock lock) {
    isopod_multiprocessing_sync_lock_drop_own(lock);
}
