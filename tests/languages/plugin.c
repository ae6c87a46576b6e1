/* A plugin of the tests. */

#include <isopod.h>
#include <stdlib.h>

static void echo(isopod_call *call) {
    isopod_return(call, call->input, call->input_size);
}

/* Puts its input into the queue that comes with it, and gives the queue back. */
static void put(isopod_call *call) {
    isopod_queue queue;
    if (call->handle_count != 1 || isopod_queue_open(call->handles[0], &queue) != ISOPOD_OK) {
        isopod_invalid_input(call, "one queue is to come with the call");
        return;
    }
    if (isopod_queue_put(queue, call->input, call->input_size, NULL, 0, 0) != ISOPOD_OK) {
        isopod_fail(call, "%s", isopod_error());
    }
    isopod_return_handle(call, isopod_queue_to_handle(queue));
    isopod_queue_drop(queue);
}

static void fail(isopod_call *call) {
    isopod_fail(call, "on purpose");
}

static void loop(isopod_call *call) {
    for (volatile size_t i = call->input_size;; i++) {
    }
}

static void trap(isopod_call *call) {
    (void)call;
    abort();
}

ISOPOD_PLUGIN(
    { "echo", "The input.", echo },
    { "put", "Puts the input into a queue.", put },
    { "fail", "", fail },
    { "loop", "", loop },
    { "trap", "", trap })
