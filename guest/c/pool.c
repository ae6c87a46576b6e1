/* Pools: the submission of jobs, and the life of a worker. */

#include "internal.h"

#include <stdlib.h>

#define DONE(succeeded) ((succeeded) ? ISOPOD_OK : isopod_internal_failed(&error))

#define OPTIONAL(timeout) ((timeout) == ISOPOD_FOREVER ? NULL : &(timeout))

/* ---- The worker ---- */

/* Runs a job, and frees it. */
static void run_job(isopod_multiprocessing_pool_begun_job_t *job, struct isopod_reply *reply) {
    if (job->name.is_some) {
        /* An embedder can request tasks with a public name; programs in C have none. */
        *reply = (struct isopod_reply){ NULL, 0, NULL, 0, NULL, false };
        isopod_call call = { NULL, 0, NULL, 0, reply };
        isopod_fail(&call, "no task has the name `%.*s`: a program in C has none with a name",
                    (int)job->name.val.len, (const char *)job->name.val.ptr);
        isopod_multiprocessing_pool_begun_job_free(job);
        return;
    }
    isopod_message message = isopod_internal_message(job->message);
    isopod_internal_run_task(&message, reply);
}

/* Reports the outcome of the last job and begins the next. If the host cannot keep a report, its refusal is
 * reported instead. */
static bool next_job(struct isopod_reply *last, isopod_multiprocessing_pool_option_begun_job_t *job) {
    isopod_multiprocessing_pool_job_report_t report;
    isopod_multiprocessing_pool_list_borrow_handle_t handles = { NULL, 0 };
    wit_borrow *lent = NULL;
    wit_error error;
    if (last != NULL && last->failure == NULL) {
        report.tag = ISOPOD_MULTIPROCESSING_POOL_JOB_REPORT_VALUE;
        report.val.value = (wit_list_u8_t){ last->data, last->size };
        lent = isopod_internal_lend(last->handles, last->handle_count);
        handles.ptr = lent;
        handles.len = last->handle_count;
    } else if (last != NULL) {
        report.tag = ISOPOD_MULTIPROCESSING_POOL_JOB_REPORT_FAILED;
        report.val.failed = isopod_internal_text(last->failure);
    }
    bool succeeded = isopod_multiprocessing_pool_next_job(last == NULL ? NULL : &report, &handles, job, &error);
    free(lent);
    if (succeeded) {
        return true;
    }
    isopod_status status = isopod_internal_failed(&error);
    if (last == NULL || (status != ISOPOD_LIMIT_EXCEEDED && status != ISOPOD_MESSAGE_TOO_LARGE)) {
        isopod_internal_die(isopod_error());
    }
    report.tag = ISOPOD_MULTIPROCESSING_POOL_JOB_REPORT_FAILED;
    report.val.failed = isopod_internal_text(isopod_error());
    handles.len = 0;
    return isopod_multiprocessing_pool_next_job(&report, &handles, job, &error);
}

void isopod_internal_work(isopod_multiprocessing_process_option_begun_job_t *initializer) {
    struct isopod_reply replies[1];
    struct isopod_reply *last = NULL;
    if (initializer->is_some) {
        run_job(&initializer->val, replies);
        if (replies->failure != NULL) {
            isopod_internal_die(replies->failure);
        }
        isopod_internal_reply_free(replies);
    }
    for (;;) {
        isopod_multiprocessing_pool_option_begun_job_t job;
        if (!next_job(last, &job)) {
            isopod_internal_die("the result of a job cannot be reported");
        }
        if (last != NULL) {
            isopod_internal_reply_free(last);
        }
        if (!job.is_some) {
            return;
        }
        run_job(&job.val, replies);
        last = replies;
    }
}

/* ---- The owner ---- */

static isopod_status set_options(isopod_multiprocessing_pool_borrow_options_t to,
                                 const isopod_pool_options *options) {
    wit_error error;
    if (options->workers > 0
        && !isopod_multiprocessing_pool_method_options_set_workers(to, options->workers, &error)) {
        return isopod_internal_failed(&error);
    }
    if (options->max_jobs_per_worker > 0
        && !isopod_multiprocessing_pool_method_options_set_max_jobs_per_worker(
            to, options->max_jobs_per_worker, &error)) {
        return isopod_internal_failed(&error);
    }
    if (options->memory_bytes > 0
        && !isopod_multiprocessing_pool_method_options_set_memory_limit(to, options->memory_bytes, &error)) {
        return isopod_internal_failed(&error);
    }
    if (options->job_timeout > 0) {
        isopod_multiprocessing_pool_method_options_set_job_timeout(to, options->job_timeout);
    }
    isopod_multiprocessing_pool_method_options_set_fail_fast(to, options->fail_fast);
    return ISOPOD_OK;
}

isopod_status isopod_pool_create(const isopod_pool_options *options, isopod_pool *pool) {
    wit_error error;
    isopod_multiprocessing_pool_own_options_t own = isopod_multiprocessing_pool_constructor_options();
    isopod_multiprocessing_pool_borrow_options_t set = isopod_multiprocessing_pool_borrow_options(own);
    isopod_status status = options == NULL ? ISOPOD_OK : set_options(set, options);
    if (status == ISOPOD_OK) {
        status = DONE(isopod_multiprocessing_pool_static_pool_create(set, pool, &error));
    }
    isopod_multiprocessing_pool_options_drop_own(own);
    return status;
}

isopod_status isopod_pool_submit(isopod_pool pool, isopod_task task, const isopod_job *jobs, size_t count,
                                 isopod_batch *batch) {
    wit_error error;
    isopod_multiprocessing_pool_job_t *list = isopod_internal_allocate(NULL, count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i].bytes.ptr = isopod_internal_task_message(task, jobs[i].data, jobs[i].size, &list[i].bytes.len);
        list[i].handles.ptr = isopod_internal_lend(jobs[i].handles, jobs[i].handle_count);
        list[i].handles.len = jobs[i].handle_count;
    }
    wit_string_t label = isopod_internal_text(task.name);
    isopod_multiprocessing_pool_list_job_t submitted = { list, count };
    bool succeeded = isopod_multiprocessing_pool_method_pool_submit(
        isopod_multiprocessing_pool_borrow_pool(pool), &label, &submitted, NULL, false, batch, &error);
    for (size_t i = 0; i < count; i++) {
        free(list[i].bytes.ptr);
        free(list[i].handles.ptr);
    }
    free(list);
    return DONE(succeeded);
}

void isopod_pool_close(isopod_pool pool) {
    isopod_multiprocessing_pool_method_pool_close(isopod_multiprocessing_pool_borrow_pool(pool));
}

void isopod_pool_terminate(isopod_pool pool) {
    isopod_multiprocessing_pool_method_pool_terminate(isopod_multiprocessing_pool_borrow_pool(pool));
}

isopod_status isopod_pool_join(isopod_pool pool, uint64_t timeout) {
    wit_error error;
    return DONE(isopod_multiprocessing_pool_method_pool_join(isopod_multiprocessing_pool_borrow_pool(pool),
                                                             OPTIONAL(timeout), &error));
}

void isopod_pool_drop(isopod_pool pool) {
    isopod_multiprocessing_pool_pool_drop_own(pool);
}

/* Converts an outcome of the host. */
static isopod_outcome taken(isopod_multiprocessing_pool_outcome_t *outcome) {
    isopod_outcome result = { (isopod_outcome_kind)outcome->tag, { NULL, 0, NULL, 0 }, NULL };
    if (result.kind == ISOPOD_JOB_VALUE) {
        result.value = isopod_internal_message(outcome->val.value);
        return result;
    }
    if (result.kind == ISOPOD_JOB_WORKER_LOST) {
        isopod_exit_status status = isopod_internal_exit_status(&outcome->val.worker_lost);
        static const char *const ends[] = { "it exited", "", "it was terminated", "it was killed" };
        if (*status.text == 0 && (size_t)status.kind < sizeof ends / sizeof *ends) {
            wit_string_t text = isopod_internal_text(ends[status.kind]);
            result.text = isopod_internal_string(&text);
            isopod_exit_status_free(&status);
        } else {
            result.text = status.text;
        }
        return result;
    }
    /* All other outcomes are a text, at the same offset. */
    result.text = isopod_internal_string(&outcome->val.failed);
    isopod_multiprocessing_pool_outcome_free(outcome);
    return result;
}

void isopod_outcome_free(isopod_outcome *outcome) {
    isopod_message_free(&outcome->value);
    free(outcome->text);
    outcome->text = NULL;
}

isopod_status isopod_batch_next(isopod_batch batch, uint64_t timeout, isopod_outcome *outcome) {
    wit_error error;
    isopod_multiprocessing_pool_outcome_t next;
    if (!isopod_multiprocessing_pool_method_batch_next(isopod_multiprocessing_pool_borrow_batch(batch),
                                                       OPTIONAL(timeout), &next, &error)) {
        return isopod_internal_failed(&error);
    }
    *outcome = taken(&next);
    return ISOPOD_OK;
}

isopod_status isopod_batch_next_ended(isopod_batch batch, uint64_t timeout, uint32_t *position,
                                      isopod_outcome *outcome) {
    wit_error error;
    isopod_multiprocessing_pool_tuple2_u32_outcome_t next;
    if (!isopod_multiprocessing_pool_method_batch_next_ended(isopod_multiprocessing_pool_borrow_batch(batch),
                                                             OPTIONAL(timeout), &next, &error)) {
        return isopod_internal_failed(&error);
    }
    *position = next.f0;
    *outcome = taken(&next.f1);
    return ISOPOD_OK;
}

void isopod_batch_drop(isopod_batch batch) {
    isopod_multiprocessing_pool_batch_drop_own(batch);
}
