/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/seeker.h"

#ifdef PCCT_AUDIT
#include <stdio.h>
#include <stdlib.h>

void gp_audit_pair(const struct gp_seeker *s, size_t at, uint64_t mask, const char *why)
{
    for (; mask != 0; mask &= mask - 1) {
        const unsigned query = (unsigned)__builtin_ctzll(mask);
        const struct gp_row point = gp_features_row(s->to->features, s->to->id[at]);
        double rho = 0;

        if (!gp_seeker_may_find(s, query, at)) continue;
        gp_rho_pairs(&rho, s->to->features, &s->row[query], &point, 1);
        if (!((rho < 0 ? -rho : rho) >= s->least[query])) continue;
        fprintf(stderr, "audit: %s: block %u lane %u passed over point %u: |rho| %.17g, least %.17g\n", why, s->block, query, s->to->id[at],
                rho < 0 ? -rho : rho, s->least[query]);
        abort();
    }
}

void gp_audit_panel(const struct gp_seeker *s, size_t panel, uint64_t mask, const char *why)
{
    const struct gp_panel at = gp_space_panel(s->to, panel);
    const double *lane[GP_LANES] = { NULL };

    if (s->to->features->form.shape == GP_CUSTOM) gp_space_lanes(lane, s->to, panel);
    for (; mask != 0; mask &= mask - 1) {
        const unsigned query = (unsigned)__builtin_ctzll(mask);
        _Alignas(64) double rho[GP_LANES];

        gp_rho_tile(rho, s->to->features, &s->row[query], 1, &at, lane);
        for (unsigned i = 0; i < GP_LANES; i++) {
            const uint32_t id = s->to->id[panel * GP_LANES + i];

            if (id == GP_NONE || id == s->id[query] || !((rho[i] < 0 ? -rho[i] : rho[i]) >= s->least[query])) continue;
            if (s->to->rank && s->to->rank[panel * GP_LANES + i] >= s->rank[query]) continue;
            fprintf(stderr, "audit: %s: block %u lane %u passed over point %u: |rho| %.17g, least %.17g\n", why, s->block, query, id,
                    rho[i] < 0 ? -rho[i] : rho[i], s->least[query]);
            abort();
        }
    }
}

void gp_audit_filter(const struct gp_seeker *s, size_t panel, unsigned lane, uint32_t found)
{
    for (size_t half = 0; half < 2; half++) {
        const struct gp_panel at = gp_space_panel(s->to, panel * 2 + half);
        _Alignas(64) double rho[GP_LANES];

        gp_rho_tile(rho, s->to->features, &s->row[lane], 1, &at, NULL);
        for (unsigned i = 0; i < GP_LANES; i++) {
            if (s->to->id[panel * GP_ROUNDED_LANES + half * GP_LANES + i] == GP_NONE || (found >> (half * GP_LANES + i) & 1)) continue;
            if (!((rho[i] < 0 ? -rho[i] : rho[i]) >= s->least[lane])) continue;
            fprintf(stderr, "audit: filter: block %u lane %u: rho %.17g, least %.17g\n", s->block, lane, rho[i], s->least[lane]);
            abort();
        }
    }
}

void gp_audit(const struct gp_seeker *s, uint32_t first_block, uint32_t blocks, uint64_t mask, const char *why)
{
    for (size_t panel = (size_t)first_block * GP_PANELS; panel < ((size_t)first_block + blocks) * GP_PANELS; panel++) {
        const size_t block = panel / GP_PANELS;
        int near = 0;

        for (unsigned i = 0; i < s->nears; i++) near |= s->near[i] == block; /* these were evaluated */
        if (!near) gp_audit_panel(s, panel, mask, why);
    }
}
#else
typedef int gp_audit_is_not_built; /* a file must hold something */
#endif
