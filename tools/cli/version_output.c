/* SPDX-License-Identifier: Apache-2.0 */
#include "version_output.h"
#include "fault.h"
#include "record.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct collecting {
    struct version_names *names;
    uint64_t version;
    int status;
    struct pcct_error *err;
};

static int add_name(void *ctx, const struct pcct_ref *ref)
{
    struct collecting *c = ctx;
    char text[80];
    if (ref->version != c->version) return 0;
    c->status = memory_grow(&c->names->name, &c->names->capacity, c->names->n + 1, sizeof *c->names->name, c->err);
    if (c->status != 0) return 1;
    (void)snprintf(text, sizeof text, "%s%s", ref->kind == PCCT_TAG ? "tag: " : "", ref->name);
    c->names->name[c->names->n] = strdup(text);
    if (!c->names->name[c->names->n]) {
        c->status = fault(c->err, PCCT_E_MEMORY, "out of memory");
        return 1;
    }
    c->names->n++;
    return 0;
}

int version_names_read(struct version_names *names, pcct_store *store, uint64_t version, struct pcct_error *err)
{
    struct collecting c = { names, version, 0, err };
    memset(names, 0, sizeof *names);
    int status = pcct_refs_each(store, add_name, &c, err);
    return status != 0 ? status : c.status;
}

void version_names_free(struct version_names *names)
{
    for (size_t i = 0; i < names->n; i++) free(names->name[i]);
    free(names->name);
    memset(names, 0, sizeof *names);
}

int version_print_json(const char *schema, const struct pcct_version *version, const struct version_names *names, struct pcct_error *err)
{
    struct record record;
    char text[TEXT_BYTES];
    json_t *keys = json_object();
    record_begin(&record, schema);
    record_count(&record, "version", version->version);
    record_text(&record, "identity", text_hex(text, version->identity));
    record_count(&record, "parent", version->parent);
    record_count(&record, "state_parent", version->state_parent);
    record_text(&record, "time", text_time(text, version->time_ns));
    record_text(&record, "message", version->message);
    record_count(&record, "n_live", version->n_live);
    record_count(&record, "inserted", version->inserted);
    record_count(&record, "deleted", version->deleted);
    record_count(&record, "frame_bytes", version->frame_bytes);
    if (names) {
        json_t *list = json_array();
        for (size_t i = 0; i < names->n; i++) {
            if (json_array_append_new(list, record_string(names->name[i])) != 0) record.failed = 1;
        }
        record_count(&record, "generation", version->generation);
        record_add(&record, "names", list);
    }
    for (size_t i = 0; i < version->n_keys; i++) {
        const struct pcct_key_value *pair = &version->keys[i];
        if (json_object_set_new(keys, pair->key, record_string(pair->value)) != 0) record.failed = 1;
        if (strcmp(pair->key, "keys") != 0 && !json_object_get(record.object, pair->key)) record_text(&record, pair->key, pair->value);
    }
    record_add(&record, "keys", keys);
    return record_print(&record, stdout, err);
}
