/* SPDX-License-Identifier: Apache-2.0 */
#include "writing.h"
#include "fault.h"
#include "interrupt.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { KEY_BYTES = 128 };

static int is_zero(const uint8_t id[16])
{
    static const uint8_t zero[16];
    return memcmp(id, zero, sizeof zero) == 0;
}

/* 32 hex digits, dashes between them as in a UUID allowed. All zeros stands for "no id" in a store. */
static int parse_write_id(uint8_t id[16], const char *text, struct pcct_error *err)
{
    size_t digits = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '-') continue;
        if (!isxdigit((unsigned char)*c) || digits == 32) {
            digits = 0;
            break;
        }
        int value = isdigit((unsigned char)*c) ? *c - '0' : tolower((unsigned char)*c) - 'a' + 10;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
        digits++;
    }
    if (digits != 32) return fault(err, PCCT_E_INVALID, "\"%s\" is not a write id: 32 hex digits, as uuidgen prints them", text);
    if (is_zero(id)) return fault(err, PCCT_E_INVALID, "a write id of zeros marks nothing; take one that uuidgen prints");
    return 0;
}

static void next_write_id(uint8_t id[16])
{
    for (int i = 15; i >= 0 && ++id[i] == 0; i--) continue;
    if (is_zero(id)) id[15] = 1;
}

/* In the order of enum pcct_durability. */
static const char *const durability_words[] = { "full", "wal", "none", NULL };

int writing_open(struct writing *writing, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    memset(writing, 0, sizeof *writing);
    writing->options = options;
    writing->info.size = sizeof writing->info;
    writing->share_all = 1;
    progress_begin(&writing->progress, options->verb->name, options->value[OPT_QUIET] != NULL);
    writing->began = writing->progress.began;
    TRY(options_threads(&open.threads, options, err));
    TRY(options_choice(&open.durability, options, OPT_DURABILITY, durability_words, err));
    if (options->value[OPT_WRITE_ID]) TRY(parse_write_id(writing->write_id, options->value[OPT_WRITE_ID], err));
    TRY(pcct_store_open(&writing->store, options->operand[0], &open, err));
    TRY(pcct_store_describe(&writing->info, writing->store, err));
    writing->branch = options->value[OPT_BRANCH] ? options->value[OPT_BRANCH] : "main";
    TRY(pcct_resolve(&writing->head, writing->store, writing->branch, err));
    TRY(telemetry_open(&writing->telemetry, options, err));
done:
    return status;
}

static int on_progress(void *context, double done)
{
    struct writing *writing = context;
    progress_show(&writing->progress, writing->share_before + writing->share_all * done, writing->what);
    return interrupt_asked();
}

/* The i-th --set. */
static int set_key(pcct_batch *batch, const struct options *options, size_t i, struct pcct_error *err)
{
    char key[KEY_BYTES];
    const char *set = options->set[i], *equals = strchr(set, '=');
    if (!equals || equals == set) return fault(err, PCCT_E_INVALID, "--set takes KEY=VALUE, not \"%s\"", set);
    if (equals - set >= KEY_BYTES) return fault(err, PCCT_E_LIMIT, "the key of --set %.20s... is too long; 64 bytes is the most", set);
    (void)snprintf(key, sizeof key, "%.*s", (int)(equals - set), set);
    for (size_t j = 0; j < i; j++) {
        if (strncmp(options->set[j], set, (size_t)(equals - set) + 1) == 0) return fault(err, PCCT_E_INVALID, "--set %s is given twice", key);
    }
    return pcct_batch_set(batch, key, equals + 1, err);
}

int writing_begin(pcct_batch **batch, struct writing *writing, int on_duplicate, struct pcct_error *err)
{
    int status = 0;
    char last[32];
    const struct options *options = writing->options;
    struct pcct_batch_options begin = PCCT_BATCH_OPTIONS_INIT;
    *batch = NULL;
    begin.on_duplicate = on_duplicate;
    begin.no_wait = options->value[OPT_NO_WAIT] != NULL;
    begin.progress = on_progress;
    begin.progress_ctx = writing;
    begin.timing = writing->telemetry.path != NULL;
    if (options->value[OPT_WRITE_ID]) begin.write_id = writing->write_id;
    if (options->value[OPT_EXPECT]) begin.expect = options->value[OPT_EXPECT];
    if (begin.expect && writing->version) { /* nobody may come between the batches of one run either */
        (void)snprintf(last, sizeof last, "v%" PRIu64, writing->version);
        begin.expect = last;
    }
    TRY(pcct_batch_begin(batch, writing->store, writing->branch, &begin, err));
    for (size_t i = 0; i < options->n_sets; i++) TRY(set_key(*batch, options, i, err));
done:
    if (status != 0) {
        pcct_batch_close(*batch);
        *batch = NULL;
    }
    return status;
}

int writing_commit(struct writing *writing, pcct_batch *batch, struct pcct_error *err)
{
    int status = 0;
    uint64_t version = 0;
    struct pcct_batch_result result = { .size = sizeof result };
    TRY(interrupt_check(err));
    TRY(pcct_batch_commit(&version, batch, writing->options->value[OPT_MESSAGE], err));
    TRY(pcct_batch_describe(&result, batch));
    if (writing->versions == 0) writing->first_version = version;
    writing->version = version;
    writing->versions++;
    writing->repeated += result.frame_bytes == 0; /* every commit writes a frame */
    writing->inserted += result.inserted;
    writing->deleted += result.deleted;
    writing->skipped += result.skipped;
    writing->replaced += result.replaced;
    writing->frame_bytes += result.frame_bytes;
    writing->anchor_bytes += result.anchor_bytes;
    next_write_id(writing->write_id);
    TRY(telemetry_write(&writing->telemetry, batch, version, &writing->info, writing->options, err));
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    return status;
}

static void print_summary(const struct writing *writing, uint64_t rows_skipped)
{
    char text[TEXT_BYTES];
    const char *on_duplicate = writing->options->value[OPT_ON_DUPLICATE];
    int replace = on_duplicate && strcmp(on_duplicate, "replace") == 0;
    if (writing->versions == 0) {
        printf("nothing to %s; %s stays at v%" PRIu64 "\n", writing->options->verb->name, writing->branch, writing->head);
        return;
    }
    if (writing->versions > 1) printf("v%" PRIu64 " to ", writing->first_version);
    printf("v%" PRIu64 ":", writing->version);
    if (writing->options->verb == &verb_restore) printf(" has the state of %s", writing->options->operand[1]);
    else if (writing->options->verb == &verb_delete) printf(" %s deleted", text_count(text, writing->deleted, "point"));
    else printf(" %s inserted", text_count(text, writing->inserted, "point"));
    if (writing->replaced) printf(", %" PRIu64 " of them in place of older ones", writing->replaced);
    if (writing->skipped) printf(", %" PRIu64 " skipped (%s)", writing->skipped, replace ? "a later row has the label" : "their labels are live");
    if (writing->repeated) printf(", %s there already by this write id", text_count(text, writing->repeated, "version"));
    if (rows_skipped) printf(", %s left out (no finite coordinates)", text_count(text, rows_skipped, "row"));
    printf(" in %s\n", text_seconds(text, progress_seconds(&writing->began)));
}

/* What was committed stays so when the summary cannot be written: the message says it. */
static int flush_report(const struct writing *writing, struct pcct_error *err)
{
    char first[32] = "";
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
    int cause = errno ? errno : EIO;
    if (writing->versions == 0) return fault_errno(err, cause, "writing standard output");
    if (writing->versions > 1) (void)snprintf(first, sizeof first, "v%" PRIu64 " to ", writing->first_version);
    return fault_errno(err, cause, "%sv%" PRIu64 " committed; only the summary could not be written to standard output", first, writing->version);
}

int writing_report(struct writing *writing, const char *schema, uint64_t rows_skipped, struct pcct_error *err)
{
    struct record record;
    progress_end(&writing->progress);
    if (!writing->options->value[OPT_JSON]) {
        if (!writing->options->value[OPT_QUIET]) print_summary(writing, rows_skipped);
        return flush_report(writing, err);
    }
    record_begin(&record, schema);
    record_count(&record, "version", writing->versions ? writing->version : writing->head);
    record_add(&record, "first_version", writing->versions ? record_number(writing->first_version) : json_null());
    record_count(&record, "versions", writing->versions);
    record_count(&record, "inserted", writing->inserted);
    record_count(&record, "deleted", writing->deleted);
    record_count(&record, "skipped", writing->skipped);
    record_count(&record, "replaced", writing->replaced);
    record_count(&record, "rows_left_out", rows_skipped);
    record_count(&record, "frame_bytes", writing->frame_bytes);
    record_count(&record, "anchor_bytes", writing->anchor_bytes);
    record_real(&record, "seconds", progress_seconds(&writing->began));
    int status = record_print(&record, stdout, err);
    return status != 0 ? status : flush_report(writing, err);
}

void writing_close(struct writing *writing)
{
    progress_end(&writing->progress);
    telemetry_close(&writing->telemetry);
    pcct_store_close(writing->store);
    writing->store = NULL;
}
