/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"
#include "fault.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 character at `at`, 0 when there is none. */
static size_t character_bytes(const char *at)
{
    for (size_t n = 1; n <= 4; n++) {
        json_t *one = json_stringn(at, n);
        if (one) {
            json_decref(one);
            return n;
        }
        if (at[n] == '\0') break;
    }
    return 0;
}

json_t *record_string(const char *text)
{
    json_t *value = json_string(text);
    if (value) return value;
    char *clean = malloc(3 * strlen(text) + 1), *out = clean;
    if (!clean) return NULL;
    while (*text) {
        size_t n = character_bytes(text);
        if (n > 0) {
            memcpy(out, text, n);
            out += n;
            text += n;
        } else {
            memcpy(out, "\xef\xbf\xbd", 3); /* U+FFFD */
            out += 3;
            text++;
        }
    }
    *out = '\0';
    value = json_string(clean);
    free(clean);
    return value;
}

json_t *record_number(uint64_t n)
{
    if (n <= INT64_MAX) return json_integer((json_int_t)n);
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, n);
    return json_string(digits);
}

void record_begin(struct record *record, const char *schema)
{
    record->failed = 0;
    record->exact = 0;
    record->object = json_object();
    if (schema) record_text(record, "schema", schema);
}

void record_add(struct record *record, const char *key, json_t *value)
{
    if (json_object_set_new(record->object, key, value) != 0) record->failed = 1;
}

void record_text(struct record *record, const char *key, const char *text)
{
    record_add(record, key, record_string(text));
}

void record_count(struct record *record, const char *key, uint64_t n)
{
    record_add(record, key, record_number(n));
}

void record_real(struct record *record, const char *key, double value)
{
    record_add(record, key, json_real(value));
}

int record_print(struct record *record, FILE *out, struct pcct_error *err)
{
    int status = 0;
    if (record->failed) {
        status = fault(err, PCCT_E_MEMORY, "no memory for the answer");
    } else {
        (void)json_dumpf(record->object, out, JSON_COMPACT | JSON_REAL_PRECISION(record->exact ? 17U : 9U)); /* a failed write shows in the stream */
        fputc('\n', out);
    }
    json_decref(record->object);
    record->object = NULL;
    return status;
}
