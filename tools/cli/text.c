/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"
#include "fault.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void text_print_escaped(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '\n') {
            fputs("\\n", out);
        } else if (*c == '\t') {
            fputs("\\t", out);
        } else if (*c < 0x20 || *c == 0x7f) {
            fprintf(out, "\\x%02x", *c);
        } else if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) { /* C1 control characters in UTF-8 */
            fprintf(out, "\\u%04x", (unsigned)c[1]);
            c++;
        } else {
            fputc(*c, out);
        }
    }
}

const char *text_size(char *text, uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    if (bytes < 1024) {
        (void)snprintf(text, TEXT_BYTES, "%" PRIu64 " B", bytes);
        return text;
    }
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    while (amount >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        amount /= 1024;
        unit++;
    }
    (void)snprintf(text, TEXT_BYTES, "%.*f %s", amount < 100 ? 1 : 0, amount, units[unit]);
    return text;
}

const char *text_seconds(char *text, double seconds)
{
    if (seconds < 0.1) {
        (void)snprintf(text, TEXT_BYTES, "%.1f ms", seconds * 1e3);
    } else if (seconds < 60) {
        (void)snprintf(text, TEXT_BYTES, "%.2f s", seconds);
    } else {
        uint64_t whole = (uint64_t)seconds;
        (void)snprintf(text, TEXT_BYTES, "%" PRIu64 " min %02u s", whole / 60, (unsigned)(whole % 60));
    }
    return text;
}

const char *text_count(char *text, uint64_t n, const char *one)
{
    (void)snprintf(text, TEXT_BYTES, "%" PRIu64 " %s%s", n, one, n == 1 ? "" : "s");
    return text;
}

const char *text_hex(char *text, const uint8_t bytes[16])
{
    for (size_t i = 0; i < 16; i++) (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

const char *text_time(char *text, int64_t time_ns)
{
    int64_t seconds = time_ns / 1000000000, rest = time_ns % 1000000000;
    if (rest < 0) {
        rest += 1000000000;
        seconds--;
    }
    time_t when = (time_t)seconds;
    struct tm utc;
    char date[TEXT_BYTES / 2];
    if (!gmtime_r(&when, &utc) || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        (void)snprintf(text, TEXT_BYTES, "%" PRId64 " ns", time_ns);
        return text;
    }
    (void)snprintf(text, TEXT_BYTES, "%s.%03dZ", date, (int)(rest / 1000000));
    return text;
}

const char *text_double(char *text, double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, TEXT_BYTES, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return text;
}

int text_to_u64(uint64_t *value, const char *text, uint64_t least, uint64_t most, const char *what, struct pcct_error *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
    if (!end || *end || errno) return fault(err, PCCT_E_INVALID, "\"%s\" is not a number that %s takes", text, what);
    if (number < least || number > most) {
        return fault(err, PCCT_E_INVALID, "%s %llu is out of range; it takes %" PRIu64 " to %" PRIu64, what, number, least, most);
    }
    *value = number;
    return 0;
}

int text_is_double(double *value, const char *text, size_t length)
{
    char *end = NULL;
    if (length == 0) return 0;
    *value = strtod(text, &end);
    if (end == text) return 0;
    while (isspace((unsigned char)*end)) end++;
    return end == text + length;
}

int text_is_int64(int64_t *value, const char *text, size_t length)
{
    char *end = NULL;
    if (length == 0) return 0;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (end == text || errno) return 0;
    while (isspace((unsigned char)*end)) end++;
    return end == text + length;
}

int text_ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcasecmp(path + length - tail, ending) == 0;
}
