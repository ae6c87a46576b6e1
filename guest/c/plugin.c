/* The two entry points of a plugin: the list of its functions, and a call. Only plugins contain this file. */

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef exports_isopod_multiprocessing_functions_function_t wit_function;
typedef exports_isopod_multiprocessing_functions_call_error_t wit_call_error;

static size_t function_count(void) {
    size_t count = 0;
    while (isopod_plugin_functions[count].name != NULL) {
        count++;
    }
    return count;
}

/* Returns a copy, which the caller's bindings free. */
static wit_string_t given(const char *text) {
    if (text == NULL || *text == 0) {
        return (wit_string_t){ NULL, 0 };
    }
    wit_string_t borrowed = isopod_internal_text(text);
    return (wit_string_t){ (uint8_t *)isopod_internal_string(&borrowed), borrowed.len };
}

void exports_isopod_multiprocessing_functions_describe(
    exports_isopod_multiprocessing_functions_list_function_t *ret) {
    size_t count = function_count();
    ret->len = count;
    ret->ptr = isopod_internal_allocate(NULL, count * sizeof(wit_function));
    for (size_t i = 0; i < count; i++) {
        ret->ptr[i].name = given(isopod_plugin_functions[i].name);
        ret->ptr[i].text = given(isopod_plugin_functions[i].text);
    }
}

static const isopod_plugin_function *find(const wit_string_t *name) {
    for (size_t i = 0; isopod_plugin_functions[i].name != NULL; i++) {
        const char *known = isopod_plugin_functions[i].name;
        if (strlen(known) == name->len && memcmp(known, name->ptr, name->len) == 0) {
            return &isopod_plugin_functions[i];
        }
    }
    return NULL;
}

/* The error for an unknown name, which lists the functions. */
static char *unknown(const wit_string_t *name) {
    size_t size = name->len + 64;
    for (size_t i = 0; isopod_plugin_functions[i].name != NULL; i++) {
        size += strlen(isopod_plugin_functions[i].name) + 4;
    }
    char *text = isopod_internal_allocate(NULL, size);
    int length = snprintf(text, size, "no function is named `%.*s`; the plugin has:", (int)name->len,
                          (const char *)name->ptr);
    for (size_t i = 0; isopod_plugin_functions[i].name != NULL; i++) {
        length += snprintf(text + length, size - (size_t)length, "%s `%s`", i == 0 ? "" : ",",
                           isopod_plugin_functions[i].name);
    }
    return text;
}

bool exports_isopod_multiprocessing_functions_call(
    wit_string_t *name, wit_list_u8_t *input, exports_isopod_multiprocessing_functions_list_own_handle_t *handles,
    exports_isopod_multiprocessing_functions_message_t *ret, wit_call_error *err) {
    isopod_message message = isopod_internal_message((wit_message){
        { input->ptr, input->len },
        { handles->ptr, handles->len },
    });
    const isopod_plugin_function *function = find(name);
    struct isopod_reply reply = { NULL, 0, NULL, 0, NULL, false };
    if (function == NULL) {
        isopod_message_free(&message);
        reply.failure = unknown(name);
        err->tag = EXPORTS_ISOPOD_MULTIPROCESSING_FUNCTIONS_CALL_ERROR_UNKNOWN_FUNCTION;
    } else {
        isopod_internal_run(function->run, &message, 0, &reply);
        err->tag = reply.input_is_invalid ? EXPORTS_ISOPOD_MULTIPROCESSING_FUNCTIONS_CALL_ERROR_INVALID_INPUT
                                          : EXPORTS_ISOPOD_MULTIPROCESSING_FUNCTIONS_CALL_ERROR_FAILED;
    }
    wit_string_free(name);
    if (reply.failure != NULL) {
        err->val.other = given(reply.failure);
        isopod_internal_reply_free(&reply);
        return false;
    }
    if (reply.size == 0) {
        free(reply.data);
        reply.data = NULL;
    }
    /* The caller's bindings free these, if they are not empty. */
    ret->bytes = (wit_list_u8_t){ reply.data, reply.size };
    ret->handles.ptr = reply.handles;
    ret->handles.len = reply.handle_count;
    return true;
}
