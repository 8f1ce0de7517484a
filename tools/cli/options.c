/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "fault.h"
#include "text.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

enum { TABLE_ROWS = OPT_COUNT + 2, HELP_VALUE = OPT_COUNT + 256, LONG_VALUE = 1024 };

static const struct option_row *row_by_id(const struct verb *verb, int id)
{
    for (const struct option_row *row = verb->rows; row->id != OPT_END; row++) {
        if ((int)row->id == id) return row;
    }
    return NULL;
}

static const struct option_row *row_by_letter(const struct verb *verb, int letter)
{
    for (const struct option_row *row = verb->rows; row->id != OPT_END; row++) {
        if (row->letter && row->letter == letter) return row;
    }
    return NULL;
}

static int kind_of_argument(const struct option_row *row)
{
    if (!row->argument) return no_argument;
    return row->argument[0] == '[' ? optional_argument : required_argument;
}

/* The tables that getopt_long wants. A leading ':' makes it tell a missing argument from an unknown option. */
static void make_tables(struct option *longs, char *shorts, const struct verb *verb)
{
    size_t n = 0, s = 0;
    shorts[s++] = ':';
    for (const struct option_row *row = verb->rows; row->id != OPT_END; row++) {
        longs[n++] = (struct option){ row->name, kind_of_argument(row), NULL, LONG_VALUE + (int)row->id };
        if (row->letter) {
            shorts[s++] = row->letter;
            if (row->argument) shorts[s++] = ':';
        }
    }
    longs[n++] = (struct option){ "help", no_argument, NULL, HELP_VALUE };
    longs[n] = (struct option){ NULL, 0, NULL, 0 };
    shorts[s++] = 'h';
    shorts[s] = '\0';
}

static int refuse(const struct verb *verb, int found, char **argv, struct pcct_error *err)
{
    const char *word = argv[optind - 1];
    const struct option_row *row = optopt >= LONG_VALUE ? row_by_id(verb, optopt - LONG_VALUE) : row_by_letter(verb, optopt);
    if (found == ':') {
        return fault(err, PCCT_E_INVALID, "%s needs a value: %s", word, row ? row->argument : "?");
    }
    if (row) return fault(err, PCCT_E_INVALID, "--%s takes no value", row->name);
    if (optopt && optopt < LONG_VALUE && strncmp(word, "--", 2) != 0) {
        return fault(err, PCCT_E_INVALID, "there is no option -%c; pcct %s --help lists them", optopt, verb->name);
    }
    return fault(err, PCCT_E_INVALID, "there is no option %s; pcct %s --help lists them", word, verb->name);
}

static int take(struct options *options, const struct option_row *row, const char *argument, struct pcct_error *err)
{
    if (row->id == OPT_SET) {
        if (options->n_sets == OPTIONS_SETS) return fault(err, PCCT_E_LIMIT, "--set may be given %d times at most", OPTIONS_SETS);
        options->set[options->n_sets++] = argument;
    } else if (options->value[row->id] && row->argument) {
        return fault(err, PCCT_E_INVALID, "--%s is given twice", row->name);
    }
    options->value[row->id] = row->argument && argument ? argument : "";
    return 0;
}

static int take_operands(struct options *options, int argc, char **argv, struct pcct_error *err)
{
    const struct verb *verb = options->verb;
    for (int i = optind; i < argc; i++) {
        if (options->n_operands == verb->operands_most) {
            return fault(err, PCCT_E_INVALID, "\"%s\" is one word too many; usage: pcct %s %s", argv[i], verb->name, verb->operands);
        }
        options->operand[options->n_operands++] = argv[i];
    }
    if (options->n_operands < verb->operands_least) {
        return fault(err, PCCT_E_INVALID, "something is missing; usage: pcct %s %s", verb->name, verb->operands);
    }
    return 0;
}

int options_parse(struct options *options, const struct verb *verb, int argc, char **argv, struct pcct_error *err)
{
    int status = 0, found = 0;
    struct option longs[TABLE_ROWS];
    char shorts[2 * TABLE_ROWS + 4];
    memset(options, 0, sizeof *options);
    options->verb = verb;
    make_tables(longs, shorts, verb);
    opterr = 0;
    optind = 1;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (found == HELP_VALUE || found == 'h') {
            options->help = 1;
            goto done;
        }
        if (found == '?' || found == ':') TRY(refuse(verb, found, argv, err));
        TRY(take(options, found >= LONG_VALUE ? row_by_id(verb, found - LONG_VALUE) : row_by_letter(verb, found), optarg, err));
    }
    TRY(take_operands(options, argc, argv, err));
done:
    return status;
}

void options_print_help(FILE *out, const struct verb *verb)
{
    fprintf(out, "Usage: pcct %s %s [OPTION]...\n%s\n\n", verb->name, verb->operands, verb->summary);
    for (const struct option_row *row = verb->rows; row->id != OPT_END; row++) {
        char name[64];
        char letter[8] = "    ";
        if (row->letter) (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
        (void)snprintf(name, sizeof name, "%s%s%s%s%s", row->name[1] ? letter : "", row->name[1] ? "--" : "-", row->name,
                       kind_of_argument(row) == required_argument ? " " : "", row->argument ? row->argument : "");
        fprintf(out, "  %-28s", name);
        if (strlen(name) > 27) fprintf(out, "\n  %-28s", "");
        for (const char *c = row->help; *c; c++) {
            fputc(*c, out);
            if (*c == '\n') fprintf(out, "  %-28s", "");
        }
        fputc('\n', out);
    }
    fprintf(out, "  %-28sthis text\n", "-h, --help");
    if (verb->detail) fprintf(out, "\n%s", verb->detail);
}

int options_u64(uint64_t *value, const struct options *options, enum option_id id, uint64_t otherwise, uint64_t least, uint64_t most,
                struct pcct_error *err)
{
    char name[64];
    *value = otherwise;
    if (!options->value[id]) return 0;
    const struct option_row *row = row_by_id(options->verb, (int)id);
    (void)snprintf(name, sizeof name, "%s%s", row->name[1] ? "--" : "-", row->name);
    return text_to_u64(value, options->value[id], least, most, name, err);
}

int options_i64(int64_t *value, const struct options *options, enum option_id id, int64_t least, int64_t most, struct pcct_error *err)
{
    const char *text = options->value[id], *name = row_by_id(options->verb, (int)id)->name;
    if (!text_is_int64(value, text, strlen(text))) return fault(err, PCCT_E_INVALID, "\"%s\" is not a number that --%s takes", text, name);
    if (*value < least || *value > most) {
        return fault(err, PCCT_E_INVALID, "--%s %" PRId64 " is out of range; it takes %" PRId64 " to %" PRId64, name, *value, least, most);
    }
    return 0;
}

int options_double(double *value, const struct options *options, enum option_id id, struct pcct_error *err)
{
    const char *text = options->value[id], *name = row_by_id(options->verb, (int)id)->name;
    if (text_is_double(value, text, strlen(text))) return 0;
    return fault(err, PCCT_E_INVALID, "\"%s\" is not a number that --%s takes", text, name);
}

int options_threads(int *threads, const struct options *options, struct pcct_error *err)
{
    uint64_t number = 0;
    int status = options_u64(&number, options, OPT_THREADS, 0, 1, 4096, err);
    *threads = (int)number;
    return status;
}

int options_choice(int *choice, const struct options *options, enum option_id id, const char *const words[], struct pcct_error *err)
{
    const char *word = options->value[id];
    char list[128] = "";
    size_t used = 0;
    *choice = 0;
    if (!word) return 0;
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *choice = i;
            return 0;
        }
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
        if (used >= sizeof list) used = sizeof list - 1;
    }
    return fault(err, PCCT_E_INVALID, "\"%s\" is not a choice of --%s; it takes %s", word, row_by_id(options->verb, (int)id)->name, list);
}
