/* Hostile programs in C: the first argument names one. A program that waits or goes on for ever reports on
 * the embedder's queue `ready`, or on standard output where there is none, that it has come to its point. */

#include <isopod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define TIMES_4(text) text text text text
#define TIMES_16(text) TIMES_4(TIMES_4(text))

static void ready(void) {
    isopod_handle handle;
    isopod_queue queue;
    if (isopod_inherited("ready", &handle) != ISOPOD_OK) {
        puts("ready");
        fflush(stdout);
        return;
    }
    isopod_check(isopod_queue_open(handle, &queue), "ready");
    isopod_check(isopod_queue_put(queue, "", 1, NULL, 0, ISOPOD_FOREVER), "ready");
    isopod_handle_drop(handle);
}

static void rest(void) {
    for (;;) {
        sleep(3600);
    }
}

/* Takes until a take is refused, or until `most` takes; holds all that it took. */
static void hold(bool (*take)(void), unsigned most) {
    unsigned count = 0;
    while (count < most && take()) {
        count++;
    }
    printf("refused after %u: %s\n", count, isopod_error());
    fflush(stdout);
    ready();
    rest();
}

static isopod_queue new_queue(void) {
    isopod_queue queue;
    isopod_check(isopod_queue_create(0, 0, &queue), "a queue");
    return queue;
}

/* ---- Names and reports ---- */

#define LEVEL(number) "N1a1bI" TIMES_16("S" #number "_") "EE"

void nested_name(void) __asm__("_Z1fN1a1bE" LEVEL(0) LEVEL(1) LEVEL(2) LEVEL(3) LEVEL(4) LEVEL(5) LEVEL(6) LEVEL(7));
__attribute__((noinline)) void nested_name(void) { __builtin_trap(); }

void long_name(void) __asm__(TIMES_16(TIMES_16(TIMES_16("name with\nlines\x1b[2J "))));
__attribute__((noinline)) void long_name(void) { __builtin_trap(); }

/* The frames of a trap, each with a long name. */
void many_frames(int depth) __asm__(TIMES_16(TIMES_4("frames ")));
__attribute__((noinline)) void many_frames(int depth) {
    if (depth == 0) {
        __builtin_trap();
    }
    many_frames(depth - 1);
    __asm__ volatile("");
}

static int recurse(volatile char *above) {
    volatile char here[KIB];
    here[0] = above[0];
    return here[0] == 0 ? 0 : recurse(here) + here[0];
}

static void deep_recursion(void) {
    volatile char first = 1;
    exit(recurse(&first));
}

static void fails_with_a_text(isopod_call *call) { isopod_fail(call, "%*d", 50 << 10, 1); }

static void traps(isopod_call *call) {
    (void)call;
    many_frames(100);
}

static bool child_that(isopod_task task) {
    isopod_process child;
    if (isopod_spawn(task, NULL, 0, NULL, 0, NULL, &child) != ISOPOD_OK) {
        return false;
    }
    return isopod_process_join(child, ISOPOD_FOREVER, NULL) == ISOPOD_OK;
}

static bool failed_child(void) { return child_that(ISOPOD_TASK(fails_with_a_text)); }
static bool trapped_child(void) { return child_that(ISOPOD_TASK(traps)); }
static void dead_children(void) { hold(failed_child, 1500); }
static void traps_of_children(void) { hold(trapped_child, 1500); }

static void sleeps_for_ever(isopod_call *call) {
    (void)call;
    rest();
}

static bool labelled_child(void) {
    static char *label;
    if (label == NULL) {
        label = malloc(MIB);
        memset(label, '\n', MIB - 1);
        label[MIB - 1] = '\0';
    }
    isopod_process child;
    isopod_task task = { label, sleeps_for_ever };
    return isopod_spawn(task, NULL, 0, NULL, 0, NULL, &child) == ISOPOD_OK;
}

static void long_labels(void) { hold(labelled_child, UINT32_MAX); }

/* ---- Objects of the host ---- */

static isopod_queue outer;

static bool inner_queue(void) {
    isopod_queue inner;
    if (isopod_queue_create(0, 0, &inner) != ISOPOD_OK) {
        return false;
    }
    isopod_handle handle = isopod_queue_to_handle(inner);
    isopod_status status = isopod_queue_put(outer, NULL, 0, &handle, 1, 0);
    isopod_handle_drop(handle);
    isopod_queue_drop(inner);
    return status == ISOPOD_OK;
}

/* Each queue holds the one before it, and the program holds only the last. */
static bool next_queue(void) {
    isopod_queue next;
    if (isopod_queue_create(0, 0, &next) != ISOPOD_OK) {
        return false;
    }
    isopod_handle handle = isopod_queue_to_handle(outer);
    isopod_status status = isopod_queue_put(next, NULL, 0, &handle, 1, 0);
    isopod_handle_drop(handle);
    isopod_queue_drop(outer);
    outer = next;
    return status == ISOPOD_OK;
}

static void queues_in_a_queue(void) {
    outer = new_queue();
    hold(inner_queue, UINT32_MAX);
}

static void chain_of_queues(void) {
    outer = new_queue();
    hold(next_queue, UINT32_MAX);
}

static bool full_pipe(void) {
    static char bytes[60 << 10];
    isopod_connection ends[2];
    if (isopod_pipe_create(true, &ends[0], &ends[1]) != ISOPOD_OK) {
        return false;
    }
    isopod_status status = isopod_connection_send(ends[0], bytes, sizeof bytes, NULL, 0, 0);
    return status == ISOPOD_OK && isopod_connection_send(ends[1], bytes, sizeof bytes, NULL, 0, 0) == ISOPOD_OK;
}

static void full_pipes(void) { hold(full_pipe, UINT32_MAX); }

static bool shared_memory(void) {
    static unsigned number;
    char name[200];
    memset(name, 'n', sizeof name);
    wit_string_t text = { (uint8_t *)name, sizeof name };
    snprintf(name, sizeof name, "%u", number++);
    isopod_multiprocessing_memory_own_shared_memory_t memory;
    isopod_multiprocessing_memory_error_code_t error;
    return isopod_multiprocessing_memory_static_shared_memory_create(1, &text, &memory, &error);
}

static void shared_memories(void) { hold(shared_memory, UINT32_MAX); }

static bool child_with_a_large_argument(void) {
    static char *bytes;
    const size_t size = 20 * MIB;
    if (bytes == NULL) {
        bytes = calloc(size, 1);
    }
    isopod_process child;
    return isopod_spawn(ISOPOD_TASK(sleeps_for_ever), bytes, size, NULL, 0, NULL, &child) == ISOPOD_OK;
}

static void arguments_that_wait(void) { hold(child_with_a_large_argument, 100); }

static void returns_a_mebibyte(isopod_call *call) {
    static char bytes[1 << 20];
    isopod_return(call, bytes, sizeof bytes);
}

static isopod_pool pool;

static void make_pool(void) {
    isopod_pool_options options = { .workers = 1 };
    isopod_check(isopod_pool_create(&options, &pool), "a pool");
}

static bool job(isopod_task task, const void *data, size_t size) {
    isopod_batch batch;
    isopod_job one = { data, size, NULL, 0 };
    return isopod_pool_submit(pool, task, &one, 1, &batch) == ISOPOD_OK;
}

static bool unwanted_result(void) { return job(ISOPOD_TASK(returns_a_mebibyte), NULL, 0); }

static bool job_that_waits(void) {
    static char bytes[100 << 10];
    return job(ISOPOD_TASK(sleeps_for_ever), bytes, sizeof bytes);
}

static void outcomes(void) {
    make_pool();
    hold(unwanted_result, 1000);
}

static void jobs(void) {
    make_pool();
    hold(job_that_waits, UINT32_MAX);
}

static void handles(void) {
    isopod_handle handle;
    while (isopod_inherited("ready", &handle) == ISOPOD_OK) {
    }
}

static bool options_with_names(void) {
    enum { NAMES = 100 };
    static wit_string_t names[NAMES];
    static char text[] = TIMES_16(TIMES_16("name"));
    for (size_t i = 0; i < NAMES; i++) {
        names[i] = (wit_string_t){ (uint8_t *)text, sizeof text - 1 };
    }
    wit_list_string_t list = { names, NAMES };
    isopod_multiprocessing_process_own_options_t options = isopod_multiprocessing_process_constructor_options();
    isopod_multiprocessing_process_error_code_t error;
    isopod_multiprocessing_process_borrow_options_t set = isopod_multiprocessing_process_borrow_options(options);
    /* Only the error of a limit counts as a refusal here: after any other the options stay. */
    return isopod_multiprocessing_process_method_options_set_environment(set, &list, &error) ||
           error.tag != ISOPOD_MULTIPROCESSING_TYPES_ERROR_CODE_LIMIT_EXCEEDED;
}

static void options(void) { hold(options_with_names, 100000); }

/* ---- Files: raw calls of WASI, below the C library. `/data` is the first directory. ---- */

static void must(__wasi_errno_t error) {
    if (error != 0) {
        fprintf(stderr, "WASI error %d\n", error);
        exit(1);
    }
}

static const __wasi_fd_t DATA = 3;

static bool raw_open(void) {
    __wasi_fd_t opened;
    return __wasi_path_open(DATA, 0, "inside", 0, __WASI_RIGHTS_FD_READ, 0, 0, &opened) == 0;
}

static void hoard(isopod_call *call) {
    (void)call;
    hold(raw_open, UINT32_MAX);
}

static void descriptors(void) {
    for (int i = 0; i < 4; i++) {
        isopod_process child;
        isopod_check(isopod_spawn(ISOPOD_TASK(hoard), NULL, 0, NULL, 0, NULL, &child), "a child");
    }
    hold(raw_open, UINT32_MAX);
}

static char own_name[32];

/* A name of this run alone, since several runs share `/data`. */
static const char *own(const char *kind) {
    snprintf(own_name, sizeof own_name, "%s-%llu", kind, (unsigned long long)isopod_current_id());
    return own_name;
}

static __wasi_fd_t directory;

static bool next_directory(void) {
    if (__wasi_path_create_directory(directory, "d") != 0) {
        return false;
    }
    __wasi_fd_t above = directory;
    __wasi_errno_t error =
        __wasi_path_open(above, 0, "d", __WASI_OFLAGS_DIRECTORY, 0, UINT64_MAX, 0, &directory);
    if (above != DATA) {
        must(__wasi_fd_close(above));
    }
    return error == 0;
}

static void nested_directories(void) {
    must(__wasi_path_create_directory(DATA, own("nested")));
    must(__wasi_path_open(DATA, 0, own_name, __WASI_OFLAGS_DIRECTORY, 0, UINT64_MAX, 0, &directory));
    hold(next_directory, UINT32_MAX);
}

static bool next_link(void) {
    static unsigned number;
    char name[80];
    const char *out[] = { "..", "/", "../../etc", "./../..", "inside/../.." };
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        if (__wasi_path_symlink(out[i], DATA, own("out")) == 0) {
            fprintf(stderr, "made: a link to `%s`\n", out[i]);
            exit(1);
        }
    }
    snprintf(name, sizeof name, "%s-%u", own("link"), number++);
    return __wasi_path_symlink(own("link"), DATA, name) == 0 &&
           __wasi_path_link(DATA, 0, "inside", DATA, strcat(name, "-hard")) == 0;
}

static void links(void) { hold(next_link, UINT32_MAX); }

/* Makes many calls that are refused, in three ways. */
static void refusals(void) {
    __wasi_fd_t opened;
    for (int i = 0; i < 20000; i++) {
        if (__wasi_path_open(DATA, 0, "../secret", 0, __WASI_RIGHTS_FD_READ, 0, 0, &opened) == 0 ||
            __wasi_path_symlink("..", DATA, "out") == 0) {
            exit(1);
        }
    }
    isopod_process_options more = { .memory_bytes = 1ull << 40 };
    isopod_process child;
    for (int i = 0; i < 20000; i++) {
        if (isopod_spawn(ISOPOD_TASK(sleeps_for_ever), NULL, 0, NULL, 0, &more, &child) == ISOPOD_OK) {
            exit(1);
        }
    }
}

static __wasi_fd_t file;

static bool next_bytes(void) {
    static uint8_t bytes[64 << 10];
    __wasi_ciovec_t one = { bytes, sizeof bytes };
    __wasi_size_t written;
    /* Also where it would leave a gap of a terabyte. */
    return __wasi_fd_pwrite(file, &one, 1, 1ull << 40, &written) != 0 && __wasi_fd_write(file, &one, 1, &written) == 0;
}

static void written(void) {
    must(__wasi_path_open(DATA, 0, own("file"), __WASI_OFLAGS_CREAT,
                          __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK, 0, 0, &file));
    hold(next_bytes, UINT32_MAX);
}

/* ---- Endless computation ---- */

static char *large(void) {
    char *bytes = malloc(40 * MIB);
    memset(bytes, 'x', 40 * MIB - 1);
    bytes[40 * MIB - 1] = '\0';
    ready();
    return bytes;
}

static void copies(void) {
    for (char *bytes = large();;) {
        memmove(bytes + 1, bytes, 40 * MIB - 1);
        memset(bytes, 'y', 40 * MIB);
    }
}

static void strings(void) {
    char *bytes = large();
    for (;;) {
        bytes[strlen(bytes) / 2] ^= 1;
        bytes[7] ^= (char)memcmp(bytes, bytes + 1, 39 * MIB);
        bytes[9] ^= strstr(bytes, "xxxxxxxxxxxy") != NULL;
    }
}

typedef struct step {
    struct step (*next)(unsigned);
} step;

static step even(unsigned number);
static step odd(unsigned number) { return (step){ number % 3 == 0 ? odd : even }; }
static step even(unsigned number) { return (step){ number % 5 == 0 ? even : odd }; }

static void calls_through_a_table(void) {
    ready();
    step next = { odd };
    for (unsigned number = 0;; number++) {
        next = next.next(number);
    }
}

static void sleeps_once(void) {
    ready();
    rest();
}

static bool sleeper(void) {
    isopod_process child;
    return isopod_spawn(ISOPOD_TASK(sleeps_for_ever), NULL, 0, NULL, 0, NULL, &child) == ISOPOD_OK;
}

static void sleeps(void) { hold(sleeper, UINT32_MAX); }

static void output(void) {
    static const char much[] = TIMES_16(TIMES_16("more of it\n")) "without a line end";
    ready();
    for (;;) {
        fputs(much, stderr);
    }
}

/* ---- Deadlocks ---- */

static void waits(isopod_call *call) {
    enum { HANDLES = 90000 };
    static isopod_multiprocessing_wait_borrow_handle_t many[HANDLES];
    isopod_handle handle = call->handles[0];
    for (size_t i = 0; i < HANDLES; i++) {
        many[i] = isopod_multiprocessing_types_borrow_handle(handle);
    }
    isopod_multiprocessing_wait_list_borrow_handle_t handles = { many, HANDLES };
    isopod_multiprocessing_wait_list_borrow_process_t none = { NULL, 0 };
    wit_list_u32_t positions;
    isopod_multiprocessing_wait_error_code_t error;
    for (;;) {
        isopod_multiprocessing_wait_any(&handles, &none, NULL, &positions, &error);
    }
}

static void waits_for_many(void) {
    isopod_handle handle = isopod_queue_to_handle(new_queue());
    for (int i = 0; i < 4; i++) {
        isopod_process child;
        isopod_check(isopod_spawn(ISOPOD_TASK(waits), NULL, 0, &handle, 1, NULL, &child), "a child");
    }
    ready();
    isopod_call call = { .handles = &handle, .handle_count = 1 };
    waits(&call);
}

static void holds_one_wants_the_next(isopod_call *call) {
    isopod_lock own_lock, next;
    isopod_check(isopod_lock_open(call->handles[0], &own_lock), "a lock");
    isopod_check(isopod_lock_open(call->handles[1], &next), "a lock");
    isopod_lock_acquire(own_lock, ISOPOD_FOREVER, NULL);
    ready();
    isopod_lock_acquire(next, ISOPOD_FOREVER, NULL);
    rest();
}

static void locks_in_a_circle(void) {
    enum { LOCKS = 60 };
    isopod_handle circle[LOCKS + 1];
    for (int i = 0; i < LOCKS; i++) {
        isopod_lock lock;
        isopod_check(isopod_lock_create(&lock), "a lock");
        circle[i] = isopod_lock_to_handle(lock);
    }
    circle[LOCKS] = circle[0];
    isopod_process child;
    for (int i = 0; i < LOCKS; i++) {
        isopod_check(isopod_spawn(ISOPOD_TASK(holds_one_wants_the_next), NULL, 0, &circle[i], 2, NULL, &child),
                     "a child");
    }
    isopod_process_join(child, ISOPOD_FOREVER, NULL);
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    { "nested-name", nested_name },
    { "long-name", long_name },
    { "deep-recursion", deep_recursion },
    { "dead-children", dead_children },
    { "traps-of-children", traps_of_children },
    { "long-labels", long_labels },
    { "queues-in-a-queue", queues_in_a_queue },
    { "chain-of-queues", chain_of_queues },
    { "full-pipes", full_pipes },
    { "shared-memories", shared_memories },
    { "arguments-that-wait", arguments_that_wait },
    { "outcomes", outcomes },
    { "jobs", jobs },
    { "handles", handles },
    { "options", options },
    { "descriptors", descriptors },
    { "nested-directories", nested_directories },
    { "links", links },
    { "refusals", refusals },
    { "written", written },
    { "copies", copies },
    { "strings", strings },
    { "calls-through-a-table", calls_through_a_table },
    { "sleeps", sleeps },
    { "sleeps-once", sleeps_once },
    { "output", output },
    { "waits-for-many", waits_for_many },
    { "locks-in-a-circle", locks_in_a_circle },
};

int main(int count, char **arguments) {
    isopod_init();
    for (size_t i = 0; count == 2 && i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(arguments[1], scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fputs("no such scenario\n", stderr);
    return 2;
}
