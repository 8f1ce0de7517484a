/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/prepared.h"

#include "gp/seeker.h"

enum { CASCADE_BLOCKS = 32, CASCADE_COORDINATES = 64, SAMPLES = 4, SAMPLE_LEAVES = 64 };
#define MANY 0.4       /* of the pairs of queries and panels: more are left by bounds where the cascade is tried */
#define OUTSIDE 0.04       /* of a mean p, times the k-th |rho|, is to be outside of the principal coordinates, */
#define OUTSIDE_MOST 0.15  /* and may be */

/* Which share of the points bounds leave to be looked at, for some blocks as queries and some as points; a typical k-th |rho|. */
static int sample(double *share, double *least, struct gp_prepared *p, const struct gp_ask *ask, const struct base_env *env, struct pcct_error *err)
{
    const struct gp_ask inner = { .points = ask->points, .member = ask->member, .members = ask->members, .label = ask->label, .k = ask->k };
    const uint32_t blocks = p->space.blocks;
    struct gp_seeker seeker;
    int status = 0;

    *share = *least = 0;
    TRY(gp_seeker_start(&seeker, &inner, env, err));
    seeker.from = seeker.to = &p->space;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        double its_share = 0, its_least = 0;

        TRY(gp_seek_sample(&its_share, &its_least, &seeker, (2 * i + 1) * (blocks / (2 * SAMPLES)), blocks / SAMPLE_LEAVES + 1, err));
        *share += its_share / SAMPLES;
        *least += its_least / SAMPLES;
    }
done:
    gp_seeker_free(&seeker);
    return status;
}

static double mean_p(const struct gp_space *space)
{
    double sum = 0;
    size_t n = 0;

    for (size_t lane = 0; lane < (size_t)space->blocks * GP_BLOCK; lane++) {
        if (space->id[lane] == GP_NONE) continue;
        sum += space->features->p[space->id[lane]];
        n++;
    }
    return n > 0 ? sum / (double)n : 0;
}

int gp_prepared_fill(struct gp_prepared *p, const struct gp_ask *ask, const uint32_t *member, size_t members, const struct base_env *env,
                     struct pcct_error *err)
{
    const struct gp_space *space = &p->space;
    double share = 0, least = 0, typical = 0;
    int status = 0;

    TRY(gp_space_make(&p->space, ask->points, member, members, ask->rank, env, err));
    TRY(base_take(&p->centre, env, ask->points->form.dim, sizeof *p->centre, err));
    gp_rounded_frame(&p->frame, p->centre, space);
    if (ask->brute || !gp_rounded_fits(space, p->frame.bound)) goto done;
    if (space->blocks >= CASCADE_BLOCKS && ask->points->form.m >= CASCADE_COORDINATES) TRY(sample(&share, &least, p, ask, env, err));
    typical = least * mean_p(space);
    if (share > MANY) TRY(gp_principal_make(&p->principal, space, OUTSIDE * typical, OUTSIDE_MOST * typical, env, err));
    TRY(gp_rounded_make(&p->rounded, space, &p->frame, p->principal.size > 0 ? GP_ROUNDED_PANELS_OF_X : GP_ROUNDED_PANELS_TOO, env, err));
    if (p->principal.size > 0) TRY(gp_coarse_make(&p->coarse, &p->rounded, &p->frame, &p->principal, 0, env, err));
done:
    return status;
}

int gp_prepared_queries(struct gp_prepared *queries, const struct gp_features *asked, const struct gp_prepared *to, const struct base_env *env,
                        struct pcct_error *err)
{
    uint32_t *all = NULL;
    int status = 0;

    TRY(base_take(&all, env, asked->n, sizeof *all, err));
    for (size_t i = 0; i < asked->n; i++) all[i] = (uint32_t)i;
    TRY(gp_space_make(&queries->space, asked, all, asked->n, NULL, env, err));
    if (!to->rounded.env || !gp_rounded_covers(&to->frame, &queries->space)) goto done;
    TRY(gp_rounded_make(&queries->rounded, &queries->space, &to->frame, GP_ROUNDED_ROWS, env, err));
    if (to->coarse.env) TRY(gp_coarse_make(&queries->coarse, &queries->rounded, &to->frame, &to->principal, 1, env, err));
done:
    base_free(env, all);
    return status;
}

void gp_prepared_empty(struct gp_prepared *p, const struct base_env *env)
{
    gp_coarse_free(&p->coarse);
    gp_principal_free(&p->principal);
    gp_rounded_free(&p->rounded);
    gp_space_free(&p->space);
    base_free(env, p->centre);
    p->centre = NULL;
}

int gp_prepare(struct gp_prepared **prepared, const struct gp_ask *ask, const struct base_env *env, struct pcct_error *err)
{
    struct gp_ask other = *ask;
    int status = 0;

    other.brute = 0; /* the next question may be another */
    TRY(base_take_zero(prepared, env, 1, sizeof **prepared, err));
    TRY(gp_prepared_fill(*prepared, &other, ask->member, ask->members, env, err));
done:
    if (status != 0) {
        gp_prepared_free(*prepared, env);
        *prepared = NULL;
    }
    return status;
}

void gp_prepared_free(struct gp_prepared *prepared, const struct base_env *env)
{
    if (!prepared) return;
    gp_prepared_empty(prepared, env);
    base_free(env, prepared);
}
