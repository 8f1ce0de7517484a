/* SPDX-License-Identifier: Apache-2.0 */
/* Instead of libFuzzer: hands the files of a folder to the target, then changes of them. driver CORPUS [CHANGES [SEED]] */
#include "fuzz.h"

#include <dirent.h>

enum { MOST = 1 << 16, FILES = 256 };

struct sample {
    uint8_t *data;
    size_t bytes;
};

static uint64_t random_state;

static uint64_t next_random(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static struct sample read_sample(const char *path)
{
    struct sample sample = { malloc(MOST), 0 };
    FILE *file = fopen(path, "rb");

    MUST(file && sample.data);
    sample.bytes = fread(sample.data, 1, MOST, file);
    fclose(file);
    return sample;
}

static size_t read_corpus(struct sample sample[FILES], const char *folder)
{
    struct dirent **entry = NULL;
    int n = scandir(folder, &entry, NULL, alphasort);
    size_t count = 0;
    char path[1000];

    MUST(n >= 0);
    for (int i = 0; i < n; i++) {
        if (entry[i]->d_name[0] != '.' && count < FILES) {
            snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
            sample[count++] = read_sample(path);
        }
        free(entry[i]);
    }
    free(entry);
    return count;
}

/* A few bytes are set, taken out, put in, or taken from another sample. */
static size_t change(uint8_t *data, size_t bytes, const struct sample *other)
{
    static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff, '\n', ',', '"', '~', '@', ':' };
    uint64_t times = 1 + next_random() % 4;

    for (uint64_t i = 0; i < times; i++) {
        size_t at = bytes > 0 ? next_random() % bytes : 0, n = 1 + next_random() % 8;

        switch (next_random() % 6) {
        case 0:
            if (bytes > 0) data[at] ^= (uint8_t)(1u << next_random() % 8);
            break;
        case 1:
            if (bytes > 0) data[at] = odd[next_random() % sizeof odd];
            break;
        case 2:
            if (n > bytes - at) n = bytes - at;
            memmove(data + at, data + at + n, bytes - at - n);
            bytes -= n;
            break;
        case 3:
            if (bytes + n > MOST) break;
            memmove(data + at + n, data + at, bytes - at);
            for (size_t j = 0; j < n; j++) data[at + j] = (uint8_t)next_random();
            bytes += n;
            break;
        case 4: /* a number, in any width */
            for (size_t j = 0; j < n && at + j < bytes; j++) data[at + j] = j == 0 ? (uint8_t)next_random() : odd[next_random() % 2 * 5];
            break;
        default:
            for (size_t j = 0; j < 4 * n && at + j < bytes && at + j < other->bytes; j++) data[at + j] = other->data[at + j];
        }
    }
    return bytes;
}

int main(int count, char **words)
{
    static struct sample sample[FILES];
    uint8_t *data = malloc(MOST);
    uint64_t changes = count > 2 ? strtoull(words[2], NULL, 10) : 0;
    size_t n;

    MUST(count > 1 && data);
    random_state = count > 3 ? strtoull(words[3], NULL, 10) : 1;
    n = read_corpus(sample, words[1]);
    MUST(n > 0);
    for (size_t i = 0; i < n; i++) (void)LLVMFuzzerTestOneInput(sample[i].data, sample[i].bytes);
    for (uint64_t i = 0; i < changes; i++) {
        const struct sample *from = &sample[next_random() % n];
        size_t bytes;

        memcpy(data, from->data, from->bytes);
        bytes = change(data, from->bytes, &sample[next_random() % n]);
        (void)LLVMFuzzerTestOneInput(data, bytes);
    }
    printf("%zu files and %" PRIu64 " changes of them\n", n, changes);
    for (size_t i = 0; i < n; i++) free(sample[i].data);
    free(data);
    return 0;
}
