/* A plugin: functions that an application calls by name, with bytes. */

#include <ctype.h>
#include <isopod.h>
#include <stdio.h>
#include <stdlib.h>

static void upper(isopod_call *call) {
    char *text = malloc(call->input_size + 1);
    if (text == NULL) {
        isopod_fail(call, "no memory for %zu bytes", call->input_size);
        return;
    }
    for (size_t i = 0; i < call->input_size; i++) {
        text[i] = (char)toupper(call->input[i]);
    }
    isopod_return(call, text, call->input_size);
    free(text);
}

static void count_words(isopod_call *call) {
    unsigned count = 0;
    bool in_word = false;
    for (size_t i = 0; i < call->input_size; i++) {
        bool is_space = isspace(call->input[i]) != 0;
        count += !is_space && !in_word;
        in_word = !is_space;
    }
    if (count == 0) {
        isopod_invalid_input(call, "the text has no words");
        return;
    }
    char text[16];
    snprintf(text, sizeof text, "%u", count);
    isopod_return_text(call, text);
}

ISOPOD_PLUGIN(
    { "upper", "The text in capitals.", upper },
    { "count_words", "How many words the text has.", count_words })
