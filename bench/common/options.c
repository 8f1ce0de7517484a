/* SPDX-License-Identifier: Apache-2.0 */
#include "common/options.h"

#include "common/machine.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void read_threads(struct bench_options *options, const char *text)
{
    options->n_threads = 0;
    for (char *end = NULL; *text; text = end) {
        long threads = strtol(text, &end, 10);

        if (end == text || threads < 1 || threads > 256 || options->n_threads == BENCH_THREADS_LIST) bench_die("--threads takes numbers such as 1,2");
        options->threads[options->n_threads++] = (int)threads;
        if (*end == ',') end++;
    }
    if (options->n_threads == 0) bench_die("--threads takes numbers such as 1,2");
}

void bench_options_read(struct bench_options *options, int argc, char **argv, const char *help)
{
    static const struct option known[] = {
        { "dir", required_argument, NULL, 'd' },     { "dump", required_argument, NULL, 'D' },   { "only", required_argument, NULL, 'o' },
        { "csv", required_argument, NULL, 'c' },     { "threads", required_argument, NULL, 't' }, { "quick", no_argument, NULL, 'q' },
        { "repeats", required_argument, NULL, 'r' }, { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
    };

    memset(options, 0, sizeof *options);
    options->threads[options->n_threads++] = 1;
    if (bench_processors() > 1) options->threads[options->n_threads++] = bench_processors();
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1; ) {
        switch (letter) {
        case 'd': options->dir = optarg; break;
        case 'D': options->dump = optarg; break;
        case 'o': options->only = optarg; break;
        case 't': read_threads(options, optarg); break;
        case 'q': options->quick = 1; break;
        case 'r': options->repeats = atoi(optarg); break;
        case 'c':
            options->csv = fopen(optarg, "w");
            if (!options->csv) bench_die("%s cannot be written", optarg);
            break;
        default: fputs(help, letter == 'h' ? stdout : stderr); exit(letter == 'h' ? 0 : 2);
        }
    }
    if (optind < argc) bench_die("%s is not an option\n%s", argv[optind], help);
    if (options->repeats < 1) options->repeats = options->quick ? 3 : 5;
}

int bench_options_wants(const struct bench_options *options, const char *name)
{
    size_t length = strlen(name);

    if (!options->only) return 1;
    for (const char *place = options->only; place; place = strchr(place, ',')) {
        if (*place == ',') place++;
        if (strncmp(place, name, length) == 0 && (place[length] == ',' || place[length] == '\0')) return 1;
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

/* The table's line without its padding, commas for the gaps. */
static void print_csv(FILE *csv, const char *line)
{
    for (const char *c = line; *c; c++) {
        if (*c != ' ') fputc(*c, csv);
        else if (c != line && c[-1] != ' ' && c[1 + strspn(c + 1, " ")] != '\n') fputc(',', csv);
    }
    fflush(csv);
}

void bench_options_print(const struct bench_options *options, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fputs(line, stdout);
    fflush(stdout);
    if (options->csv) print_csv(options->csv, line);
}
