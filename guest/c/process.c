/* Processes: their start, and their own work.
 *
 * A task travels as the index of its function in the table, which is the same in all processes of one
 * program. A wrong index, which only a broken program can send, traps. */

#include "internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    void (*run)(isopod_call *call);
} task_header;

uint8_t *isopod_internal_task_message(isopod_task task, const void *data, size_t size, size_t *total) {
    task_header header = { task.run };
    uint8_t *message = isopod_internal_allocate(NULL, sizeof header + size);
    memcpy(message, &header, sizeof header);
    if (size > 0) {
        memcpy(message + sizeof header, data, size);
    }
    *total = sizeof header + size;
    return message;
}

void isopod_internal_run_task(isopod_message *message, struct isopod_reply *reply) {
    task_header header;
    if (message->size < sizeof header) {
        isopod_internal_die("the message that started this process names no task of a program in C");
    }
    memcpy(&header, message->data, sizeof header);
    isopod_internal_run(header.run, message, sizeof header, reply);
}

void isopod_init(void) {
    isopod_multiprocessing_process_entry_point_t entry;
    isopod_multiprocessing_process_entry(&entry);
    if (entry.tag == ISOPOD_MULTIPROCESSING_PROCESS_ENTRY_POINT_MAIN) {
        return;
    }
    if (entry.tag == ISOPOD_MULTIPROCESSING_PROCESS_ENTRY_POINT_WORKER) {
        isopod_internal_work(&entry.val.worker);
        exit(0);
    }
    struct isopod_reply reply;
    isopod_message message = isopod_internal_message(entry.val.task);
    isopod_internal_run_task(&message, &reply);
    if (reply.failure != NULL) {
        isopod_internal_die(reply.failure);
    }
    isopod_internal_reply_free(&reply);
    exit(0);
}

#define DONE(succeeded) ((succeeded) ? ISOPOD_OK : isopod_internal_failed(&error))

/* Sets the options that are not zero. */
static isopod_status set_options(isopod_multiprocessing_process_borrow_options_t to,
                                 const isopod_process_options *options) {
    wit_error error;
    if (options->name != NULL) {
        wit_string_t name = isopod_internal_text(options->name);
        if (!isopod_multiprocessing_process_method_options_set_name(to, &name, &error)) {
            return isopod_internal_failed(&error);
        }
    }
    if (options->daemon) {
        isopod_multiprocessing_process_method_options_set_daemon(to, true);
    }
    if (options->timeout > 0) {
        isopod_multiprocessing_process_method_options_set_timeout(to, options->timeout);
    }
    if (options->memory_bytes > 0
        && !isopod_multiprocessing_process_method_options_set_memory_limit(to, options->memory_bytes,
                                                                           &error)) {
        return isopod_internal_failed(&error);
    }
    if (options->cpu_time > 0
        && !isopod_multiprocessing_process_method_options_set_cpu_time_limit(to, options->cpu_time,
                                                                             &error)) {
        return isopod_internal_failed(&error);
    }
    return ISOPOD_OK;
}

isopod_status isopod_spawn(isopod_task task, const void *data, size_t size, const isopod_handle *handles,
                           size_t handle_count, const isopod_process_options *options,
                           isopod_process *process) {
    wit_error error;
    isopod_multiprocessing_process_own_options_t own = isopod_multiprocessing_process_constructor_options();
    isopod_multiprocessing_process_borrow_options_t set = isopod_multiprocessing_process_borrow_options(own);
    isopod_status status = options == NULL ? ISOPOD_OK : set_options(set, options);
    if (status == ISOPOD_OK) {
        wit_string_t label = isopod_internal_text(task.name);
        wit_list_u8_t bytes;
        bytes.ptr = isopod_internal_task_message(task, data, size, &bytes.len);
        wit_borrow *lent = isopod_internal_lend(handles, handle_count);
        isopod_multiprocessing_process_list_borrow_handle_t list = { lent, handle_count };
        status = DONE(isopod_multiprocessing_process_static_process_spawn(&label, &bytes, &list, set,
                                                                          process, &error));
        free(lent);
        free(bytes.ptr);
    }
    isopod_multiprocessing_process_options_drop_own(own);
    return status;
}

static isopod_multiprocessing_process_borrow_process_t borrow_process(isopod_process process) {
    return isopod_multiprocessing_process_borrow_process(process);
}

isopod_exit_status isopod_internal_exit_status(isopod_multiprocessing_types_exit_status_t *ended) {
    isopod_exit_status status = { (isopod_exit_kind)ended->tag, -9, NULL };
    static const wit_string_t empty = { NULL, 0 };
    const wit_string_t *text = &ended->val.other;
    switch (status.kind) {
        case ISOPOD_EXITED:
            status.code = ended->val.exited;
            text = &empty;
            break;
        case ISOPOD_TERMINATED:
            status.code = -15;
            text = &empty;
            break;
        case ISOPOD_KILLED: text = &empty; break;
        case ISOPOD_FAILED: status.code = 1; break;
        case ISOPOD_TRAPPED: status.code = -6; break;
        case ISOPOD_DEADLINE: status.code = -14; break;
        case ISOPOD_CPU_TIME_LIMIT: status.code = -24; break;
        default: break;
    }
    status.text = isopod_internal_string(text);
    isopod_multiprocessing_types_exit_status_free(ended);
    return status;
}

void isopod_exit_status_free(isopod_exit_status *status) {
    free(status->text);
    status->text = NULL;
}

isopod_status isopod_process_join(isopod_process process, uint64_t timeout, isopod_exit_status *status) {
    wit_error error;
    isopod_multiprocessing_types_exit_status_t ended;
    if (!isopod_multiprocessing_process_method_process_join(
            borrow_process(process), timeout == ISOPOD_FOREVER ? NULL : &timeout, &ended, &error)) {
        return isopod_internal_failed(&error);
    }
    isopod_exit_status told = isopod_internal_exit_status(&ended);
    if (status == NULL) {
        isopod_exit_status_free(&told);
    } else {
        *status = told;
    }
    return ISOPOD_OK;
}

isopod_status isopod_process_terminate(isopod_process process) {
    wit_error error;
    return DONE(isopod_multiprocessing_process_method_process_terminate(borrow_process(process), &error));
}

isopod_status isopod_process_kill(isopod_process process) {
    wit_error error;
    return DONE(isopod_multiprocessing_process_method_process_kill(borrow_process(process), &error));
}

bool isopod_process_is_alive(isopod_process process) {
    return isopod_multiprocessing_process_method_process_is_alive(borrow_process(process));
}

uint64_t isopod_process_id(isopod_process process) {
    return isopod_multiprocessing_process_method_process_id(borrow_process(process));
}

void isopod_process_drop(isopod_process process) {
    isopod_multiprocessing_process_process_drop_own(process);
}

uint64_t isopod_current_id(void) {
    return isopod_multiprocessing_process_current_id();
}

uint32_t isopod_core_count(void) {
    return isopod_multiprocessing_process_core_count();
}
