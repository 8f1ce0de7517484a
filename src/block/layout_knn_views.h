/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_KNN_VIEWS_H
#define BLOCK_LAYOUT_KNN_VIEWS_H

#include "block/layout_flat.h"
#include "block/layout_views.h"

/* k-NN in a layout that has views: offers to `top` every entry that can be among the k least by (key, label) of those that the query is for. For
 * this room only. */
void block_knn_views(struct base_topk *top, const struct block_layout *layout, const struct block_source *source, const struct block_query *query,
                     struct block_work *work);

/* The same for the i-th query of those that have been scanned. */
void block_knn_views_scanned(struct base_topk *top, struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work);

#endif
