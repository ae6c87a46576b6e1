/* Drops the records of uninteresting requests: the variable FILTER_DROP lists the beginnings and the ends of
 * their paths, such as `/healthz,.css`. An entry that begins with a slash is a beginning. */

#define _GNU_SOURCE /* memmem */
#include <isopod.h>
#include <stdlib.h>
#include <string.h>

/* The path of a record, without its query. Within a text quotes are written \", so a match is the key. */
static size_t path_of(const char *record, size_t size, const char **path) {
    static const char key[] = "\"path\":\"";
    const char *end = record + size;
    const char *found = memmem(record, size, key, sizeof key - 1);
    if (found == NULL) {
        return 0;
    }
    *path = found + sizeof key - 1;
    const char *last = *path;
    while (last < end && *last != '"' && *last != '?') {
        last++;
    }
    return (size_t)(last - *path);
}

static bool is_dropped(const char *path, size_t size, const char *drop) {
    while (*drop != 0) {
        size_t length = strcspn(drop, ",");
        if (length > 0 && length <= size) {
            const char *place = *drop == '/' ? path : path + size - length;
            if (memcmp(place, drop, length) == 0) {
                return true;
            }
        }
        drop += length;
        drop += *drop == ',';
    }
    return false;
}

static void filter(isopod_call *call) {
    const char *drop = getenv("FILTER_DROP");
    const char *record = (const char *)call->input, *end = record + call->input_size;
    char *kept = malloc(call->input_size + 1), *next = kept;
    if (drop == NULL || kept == NULL) {
        isopod_fail(call, drop == NULL ? "the variable `FILTER_DROP` is not set" : "no memory");
        free(kept);
        return;
    }
    while (record < end) {
        const char *line_end = memchr(record, '\n', (size_t)(end - record));
        size_t size = (size_t)((line_end == NULL ? end : line_end + 1) - record);
        const char *path = NULL;
        size_t path_size = path_of(record, size, &path);
        if (path == NULL || !is_dropped(path, path_size, drop)) {
            memcpy(next, record, size);
            next += size;
        }
        record += size;
    }
    isopod_return(call, kept, (size_t)(next - kept));
    free(kept);
}

ISOPOD_PLUGIN({ "filter", "The records without those whose path FILTER_DROP names.", filter })
