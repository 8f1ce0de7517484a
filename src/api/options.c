/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include <string.h>

int api_options_read(void *out, size_t out_size, const void *options, const char *what, struct pcct_error *err)
{
    size_t size = 0;

    memset(out, 0, out_size);
    if (!options) return 0;
    memcpy(&size, options, sizeof size);
    if (size < sizeof size || size > 4096) {
        return base_fail(err, PCCT_E_INVALID, "%s: its size says %zu; set it to sizeof, or use the _INIT of the header", what, size);
    }
    for (size_t i = out_size; i < size; i++) {
        if (((const unsigned char *)options)[i] != 0) {
            return base_fail(err, PCCT_E_INVALID, "%s: it asks for something that this version of the library does not know", what);
        }
    }
    memcpy(out, options, size < out_size ? size : out_size);
    return 0;
}

int api_result_write(void *out, const void *ours, size_t ours_size)
{
    size_t size = 0;

    if (!out) return PCCT_E_INVALID;
    memcpy(&size, out, sizeof size);
    if (size < sizeof size) return PCCT_E_INVALID;
    memcpy(out, ours, size < ours_size ? size : ours_size);
    memcpy(out, &size, sizeof size);
    return 0;
}

int api_text_copy(char **out, const struct base_env *env, const char *text, struct pcct_error *err)
{
    size_t bytes = strlen(text) + 1;
    int status = 0;

    TRY(base_take(out, env, bytes, 1, err));
    memcpy(*out, text, bytes);
done:
    return status;
}
