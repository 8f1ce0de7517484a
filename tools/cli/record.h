/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <pcct/error.h>

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* One JSON object of a --json answer. Keys keep their order. Strings that are not UTF-8 get replacement characters. */
struct record {
    json_t *object;
    int failed; /* memory ran out on the way; record_print() says so */
    int exact;  /* 1: real numbers as they are, to the last bit; 0: with nine digits. Set after record_begin(). */
};
void record_begin(struct record *record, const char *schema); /* schema: such as "pcct.info.1"; NULL: no "schema" key */
void record_add(struct record *record, const char *key, json_t *value); /* takes value over */
void record_text(struct record *record, const char *key, const char *text);
void record_count(struct record *record, const char *key, uint64_t n);
void record_real(struct record *record, const char *key, double value);
/* The object on one line; the record is empty afterwards. */
int record_print(struct record *record, FILE *out, struct pcct_error *err);

/* NULL when memory runs out; fine for record_add(). */
json_t *record_string(const char *text);
json_t *record_number(uint64_t n); /* beyond 2^63 a string of digits: JSON readers would round it */

#endif
