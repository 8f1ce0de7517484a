/* SPDX-License-Identifier: Apache-2.0 */
#include "common/options.h"

#include "common/cities.h"
#include "common/machine.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char space[] = " \n";

static long read_number(const char **end, const char *option, const char *text, long most)
{
    char *stop = NULL;
    long number = strtol(text, &stop, 10);

    if (stop == text || number < 1 || number > most) bench_die("--%s takes numbers from 1 to %ld, not %s", option, most, text);
    *end = stop;
    return number;
}

/* The next item of a list: its length, and the place behind its comma; 0 at the end of the list. */
static size_t next_item(const char **item, const char **rest)
{
    size_t length = strcspn(*rest, ",");

    *item = *rest;
    *rest += length + ((*rest)[length] == ',');
    return length;
}

static void read_sizes(struct bench_sizes *sizes, const char *option, const char *text, long most)
{
    const char *item = NULL, *end = NULL;

    for (size_t length; (length = next_item(&item, &text)) > 0; sizes->count++) {
        if (sizes->count == BENCH_LIST) bench_die("--%s takes at most %d numbers", option, BENCH_LIST);
        sizes->item[sizes->count] = (size_t)read_number(&end, option, item, most);
        if (end != item + length) bench_die("--%s takes numbers with commas between them, not %s", option, item);
    }
    if (sizes->count == 0 || *text) bench_die("--%s takes numbers with commas between them", option);
}

static void read_threads(struct bench_options *options, const char *text)
{
    struct bench_sizes sizes = { .count = 0 };

    read_sizes(&sizes, "threads", text, 256);
    options->n_threads = (int)sizes.count;
    for (size_t i = 0; i < sizes.count; i++) options->threads[i] = (int)sizes.item[i];
}

static void read_shapes(struct bench_shapes *shapes, const char *text)
{
    const char *item = NULL;

    for (size_t length; (length = next_item(&item, &text)) > 0; shapes->count++) {
        char name[32] = "";

        if (shapes->count == BENCH_LIST) bench_die("--data takes at most %d names", BENCH_LIST);
        if (length < sizeof name) memcpy(name, item, length);
        if (bench_shape_named(&shapes->item[shapes->count], name) != 0) bench_die("--data: there are no data called %.*s", (int)length, item);
    }
    if (shapes->count == 0 || *text) bench_die("--data takes names with commas between them");
}

/* Does a word stand in a text, with no letter, digit or dash before and after it? */
static int has_word(const char *text, size_t bytes, const char *word, size_t length)
{
    for (size_t i = 0; i + length <= bytes; i++) {
        if (strncmp(text + i, word, length) != 0) continue;
        if ((i == 0 || (!isalnum(text[i - 1]) && text[i - 1] != '-')) && !isalnum(text[i + length]) && text[i + length] != '-') return 1;
    }
    return 0;
}

static void check_only(const char *only, const char *help)
{
    const char *names = strstr(help, "\n  --only"), *item = NULL;
    size_t bytes = names ? strcspn(names + 1, "\n") + 1 : 0;

    for (size_t length; (length = next_item(&item, &only)) > 0; ) {
        if (!has_word(names, bytes, item, length)) bench_die("--only: there is nothing called %.*s", (int)length, item);
    }
    if (*only) bench_die("--only takes names with commas between them");
}

static void read_option(struct bench_options *options, char letter, const char *value, const char *help)
{
    const char *end = NULL;

    switch (letter) {
    case 'd': options->dir = value; break;
    case 'o': options->only = value; check_only(value, help); break;
    case 't': read_threads(options, value); break;
    case 'q': options->quick = 1; break;
    case 'm': options->markdown = 1; break;
    case 'N': read_sizes(&options->n, "n", value, 100000000); break;
    case 'M': read_sizes(&options->d, "d", value, 4096); break;
    case 'b': read_sizes(&options->batch, "batches", value, 10000000); break;
    case 's': read_shapes(&options->data, value); break;
    case 'p': bench_cities_read(value); options->cities = 1; break;
    case 'r':
        options->repeats = (int)read_number(&end, "repeats", value, 1000);
        if (*end) bench_die("--repeats takes a number, not %s", value);
        break;
    case 'c':
        options->csv = fopen(value, "w");
        if (!options->csv) bench_die("%s cannot be written", value);
        break;
    default: fputs(help, letter == 'h' ? stdout : stderr); exit(letter == 'h' ? 0 : 2);
    }
}

void bench_options_read(struct bench_options *options, int argc, char **argv, const char *help)
{
    static const struct option known[] = {
        { "dir", required_argument, NULL, 'd' },  { "only", required_argument, NULL, 'o' },    { "csv", required_argument, NULL, 'c' },
        { "threads", required_argument, NULL, 't' }, { "quick", no_argument, NULL, 'q' },      { "repeats", required_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },       { "n", required_argument, NULL, 'N' },       { "d", required_argument, NULL, 'M' },
        { "batches", required_argument, NULL, 'b' }, { "data", required_argument, NULL, 's' }, { "cities", required_argument, NULL, 'p' },
        { "markdown", no_argument, NULL, 'm' },   { NULL, 0, NULL, 0 },
    };
    int place = 0;

    memset(options, 0, sizeof *options);
    options->threads[options->n_threads++] = 1;
    if (bench_processors() > 1) options->threads[options->n_threads++] = bench_processors();
    for (int letter; (letter = getopt_long(argc, argv, "", known, &place)) != -1; ) {
        if (letter != '?' && letter != 'h') {
            char name[32];
            int length = snprintf(name, sizeof name, "--%s", known[place].name);

            if (!has_word(help, strlen(help), name, (size_t)length)) bench_die("%s is not an option of this program\n%s", name, help);
        }
        read_option(options, (char)letter, optarg, help);
    }
    if (optind < argc) bench_die("%s is not an option\n%s", argv[optind], help);
    if (options->repeats < 1) options->repeats = options->quick ? 3 : 5;
}

void bench_options_end(const struct bench_options *options)
{
    if (options->csv && fclose(options->csv) != 0) bench_die("the CSV file could not be written in full");
}

int bench_options_wants(const struct bench_options *options, const char *name)
{
    const char *rest = options->only, *item = NULL;

    if (!rest) return 1;
    for (size_t length; (length = next_item(&item, &rest)) > 0; ) {
        if (length == strlen(name) && strncmp(item, name, length) == 0) return 1;
    }
    return 0;
}

int bench_options_most_threads(const struct bench_options *options)
{
    int most = 1;

    for (int i = 0; i < options->n_threads; i++) {
        if (options->threads[i] > most) most = options->threads[i];
    }
    return most;
}

/* The columns of a line with `between` between them. */
static void print_columns(FILE *file, const char *line, const char *between)
{
    for (const char *word = line + strspn(line, space); *word; ) {
        size_t length = strcspn(word, space);

        fwrite(word, length, 1, file);
        word += length + strspn(word + length, space);
        if (*word) fputs(between, file);
    }
}

static void print_line(const struct bench_options *options, const char *line, int head)
{
    if (options->markdown) {
        fputs(head ? "\n| " : "| ", stdout);
        print_columns(stdout, line, " | ");
        fputs(" |\n", stdout);
        for (const char *word = line + strspn(line, space); head && *word; word += strspn(word, space)) {
            fputs("|--:", stdout);
            word += strcspn(word, space);
        }
        if (head) fputs("|\n", stdout);
    } else {
        fputs(line, stdout);
    }
    fflush(stdout);
    if (!options->csv) return;
    print_columns(options->csv, line, ",");
    fputc('\n', options->csv);
    fflush(options->csv);
}

void bench_options_head(const struct bench_options *options, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    print_line(options, line, 1);
}

void bench_options_print(const struct bench_options *options, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    print_line(options, line, 0);
}
