/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry.h"
#include "fault.h"
#include "record.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { RUN_BYTES = 16, HOST_BYTES = 256 };

int telemetry_open(struct telemetry *telemetry, const struct options *options, struct pcct_error *err)
{
    uint8_t id[RUN_BYTES] = { 0 };
    telemetry->path = options->value[OPT_TELEMETRY];
    telemetry->fd = -1;
    if (!telemetry->path) return 0;
    telemetry->fd = open(telemetry->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (telemetry->fd < 0) return fault_errno(err, errno, "opening %s for --telemetry; nothing was changed", telemetry->path);
    /* A reader that went away must not take the word on what was committed with it. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrandom(id, sizeof id, 0) < 0) return fault_errno(err, errno, "asking the system for random bytes");
    for (size_t i = 0; i < sizeof id; i++) (void)snprintf(telemetry->run + 2 * i, 3, "%02x", id[i]);
    return 0;
}

void telemetry_close(struct telemetry *telemetry)
{
    if (telemetry->path && telemetry->fd >= 0) (void)close(telemetry->fd);
    telemetry->path = NULL;
}

static void add_time(struct record *record)
{
    struct timespec now = { 0, 0 };
    struct tm utc;
    char text[64] = "";
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc)) (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    record_text(record, "time", text);
}

static uint64_t threads_of(const struct options *options)
{
    const char *given = options->value[OPT_THREADS];
    cpu_set_t processors;
    if (given) return strtoull(given, NULL, 10); /* options_threads() has read it already */
    return sched_getaffinity(0, sizeof processors, &processors) == 0 ? (uint64_t)CPU_COUNT(&processors) : 0;
}

static void add_run(struct record *record, const struct telemetry *telemetry, const struct pcct_store_info *info, const struct options *options)
{
    char host[HOST_BYTES] = "", uuid[2 * sizeof info->uuid + 1];
    (void)gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < sizeof info->uuid; i++) (void)snprintf(uuid + 2 * i, 3, "%02x", info->uuid[i]);
    record_text(record, "run", telemetry->run);
    add_time(record);
    record_text(record, "host", host);
    record_count(record, "threads", threads_of(options));
    record_text(record, "library", pcct_version_string());
    record_text(record, "store", options->operand[0]);
    record_text(record, "store_uuid", uuid);
    record_count(record, "dim", info->dim);
    record_text(record, "metric", info->metric);
    record_text(record, "operation", options->verb->name);
}

static void add_result(struct record *record, const struct pcct_batch_result *result)
{
    record_add(record, "repeated", json_boolean(result->frame_bytes == 0)); /* every commit writes a frame */
    record_count(record, "inserted", result->inserted);
    record_count(record, "deleted", result->deleted);
    record_count(record, "skipped", result->skipped);
    record_count(record, "replaced", result->replaced);
    record_count(record, "frame_bytes", result->frame_bytes);
    record_count(record, "anchor_bytes", result->anchor_bytes);
}

/* All of pcct/stats.def in its order, then the share and the sum that everybody would work out, then the schedule. */
static void add_stats(struct record *record, const struct pcct_stats *stats, const pcct_batch *batch)
{
    struct pcct_stat stat = { .size = sizeof stat };
    const uint64_t *items = NULL;
    size_t n = 0;
    double sum = 0;
    json_t *schedule = json_array();
    for (size_t i = 0; pcct_stats_item(&stat, stats, i) == 0; i++) {
        sum += stat.seconds;
        if (stat.kind == PCCT_STAT_IS_SECONDS) record_real(record, stat.name, stat.seconds);
        else record_count(record, stat.name, stat.count);
    }
    record_real(record, "commit_seconds", sum);
    record_real(record, "dominated_share", stats->items ? (double)stats->dominated_items / (double)stats->items : 0);
    pcct_batch_schedule(&items, &n, batch);
    for (size_t i = 0; i < n; i++) record->failed |= json_array_append_new(schedule, record_number(items[i])) != 0;
    record_add(record, "schedule", schedule);
}

/* Of the process from its start on. */
static void add_process(struct record *record)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return;
    record_real(record, "process_user_seconds", (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6);
    record_real(record, "process_system_seconds", (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6);
    record_count(record, "process_faults", (uint64_t)usage.ru_majflt);
    record_count(record, "process_peak_bytes", (uint64_t)usage.ru_maxrss * 1024);
}

/* done: what has happened though the line could not be written. */
static int append(const struct telemetry *telemetry, const char *line, const char *done, struct pcct_error *err)
{
    size_t bytes = strlen(line);
    ssize_t written = 0;
    for (size_t at = 0; at < bytes; at += (size_t)written) {
        do {
            written = write(telemetry->fd, line + at, bytes - at);
        } while (written < 0 && errno == EINTR);
        if (written < 0) return fault_errno(err, errno, "%s; only its line could not be written to %s", done, telemetry->path);
    }
    return 0;
}

/* The record as a line; it is empty afterwards. */
static int write_record(struct record *record, const struct telemetry *telemetry, const char *done_text, struct pcct_error *err)
{
    int status = 0;
    char *line = NULL;
    size_t line_bytes = 0;
    FILE *text = open_memstream(&line, &line_bytes);
    if (!text) record->failed = 1;
    status = record_print(record, text, err);
    if (text && fclose(text) != 0 && status == 0) status = fault(err, PCCT_E_MEMORY, "no memory for the line of --telemetry");
    TRY(status);
    TRY(append(telemetry, line, done_text, err));
done:
    free(line);
    return status;
}

int telemetry_write(const struct telemetry *telemetry, const pcct_batch *batch, uint64_t version, const struct pcct_store_info *info,
                    const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_batch_result result = { .size = sizeof result };
    struct pcct_stats stats = { .size = sizeof stats };
    struct record record;
    char done_text[64];
    if (!telemetry->path) return 0;
    TRY(pcct_batch_describe(&result, batch));
    TRY(pcct_batch_stats(&stats, batch));
    record_begin(&record, "pcct.telemetry.1");
    add_run(&record, telemetry, info, options);
    record_count(&record, "version", version);
    add_result(&record, &result);
    add_stats(&record, &stats, batch);
    add_process(&record);
    (void)snprintf(done_text, sizeof done_text, "v%" PRIu64 " committed", version);
    TRY(write_record(&record, telemetry, done_text, err));
done:
    return status;
}

int telemetry_write_question(const struct telemetry *telemetry, const struct telemetry_question *question, const struct pcct_store_info *info,
                             const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_gp_info kernel = { .size = sizeof kernel };
    const struct pcct_gp_work *work = &question->work;
    struct record record;
    char digest[TEXT_BYTES];
    if (!telemetry->path) return 0;
    TRY(pcct_gp_describe(&kernel, question->gp));
    record_begin(&record, "pcct.telemetry.kernel.1");
    add_run(&record, telemetry, info, options);
    record_count(&record, "version", question->version);
    record_text(&record, "by", options->value[OPT_METRIC]);
    record_text(&record, "kernel", kernel.name);
    record_text(&record, "digest", text_hex(digest, kernel.digest));
    record_count(&record, "points", kernel.n);
    record_count(&record, "inducing", kernel.m);
    record_real(&record, "jitter_used", kernel.jitter_used);
    record_count(&record, "noisy", kernel.noisy);
    record_count(&record, "rows", question->rows);
    record_count(&record, "k", question->k);
    record_text(&record, "first_look", work->cascaded ? "principal coordinates" : work->filtered ? "single precision" : "double precision");
    record_count(&record, "pairs", work->pairs);
    record_count(&record, "again", work->again);
    record_count(&record, "nodes", work->nodes);
    record_count(&record, "enveloped", work->enveloped);
    record_count(&record, "flat", work->flat);
    record_real(&record, "features_seconds", question->features_seconds);
    record_real(&record, "search_seconds", question->search_seconds);
    add_process(&record);
    TRY(write_record(&record, telemetry, "the graph was made", err));
done:
    return status;
}

double telemetry_now(void)
{
    struct timespec now = { 0, 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
