/* Calls of functions: their inputs and outputs. */

#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void isopod_return(isopod_call *call, const void *data, size_t size) {
    struct isopod_reply *reply = call->reply;
    uint8_t *copy = isopod_internal_allocate(NULL, size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    free(reply->data);
    reply->data = copy;
    reply->size = size;
}

void isopod_return_text(isopod_call *call, const char *text) {
    isopod_return(call, text, strlen(text));
}

void isopod_return_handle(isopod_call *call, isopod_handle handle) {
    struct isopod_reply *reply = call->reply;
    size_t count = reply->handle_count + 1;
    reply->handles = isopod_internal_allocate(reply->handles, count * sizeof *reply->handles);
    reply->handles[reply->handle_count] = handle;
    reply->handle_count = count;
}

static void fail(isopod_call *call, bool input_is_invalid, const char *format, va_list arguments) {
    if (call->reply->failure != NULL) {
        return;
    }
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = isopod_internal_allocate(NULL, size);
    text[0] = 0;
    vsnprintf(text, size, format, again);
    va_end(again);
    call->reply->failure = text;
    call->reply->input_is_invalid = input_is_invalid;
}

void isopod_fail(isopod_call *call, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail(call, false, format, arguments);
    va_end(arguments);
}

void isopod_invalid_input(isopod_call *call, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail(call, true, format, arguments);
    va_end(arguments);
}

void isopod_internal_run(void (*run)(isopod_call *), isopod_message *input, size_t skipped,
                         struct isopod_reply *reply) {
    *reply = (struct isopod_reply){ NULL, 0, NULL, 0, NULL, false };
    isopod_call call = {
        input->data + skipped, input->size - skipped, input->handles, input->handle_count, reply,
    };
    run(&call);
    /* The output of the call must appear before its result. */
    fflush(NULL);
    isopod_message_free(input);
}

void isopod_internal_reply_free(struct isopod_reply *reply) {
    free(reply->data);
    for (size_t i = 0; i < reply->handle_count; i++) {
        isopod_handle_drop(reply->handles[i]);
    }
    free(reply->handles);
    free(reply->failure);
}
