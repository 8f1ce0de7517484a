/* SPDX-License-Identifier: Apache-2.0 */
/* pcct: a persistent, versioned nearest-neighbour index. This header includes all the others. */
#ifndef PCCT_PCCT_H
#define PCCT_PCCT_H

#include <pcct/batch.h>
#include <pcct/branch.h>
#include <pcct/check.h>
#include <pcct/diff.h>
#include <pcct/error.h>
#include <pcct/exchange.h>
#include <pcct/filter.h>
#include <pcct/gp.h>
#include <pcct/history.h>
#include <pcct/metric.h>
#include <pcct/neighbours.h>
#include <pcct/ordering.h>
#include <pcct/prune.h>
#include <pcct/salvage.h>
#include <pcct/query.h>
#include <pcct/store.h>
#include <pcct/stats.h>
#include <pcct/tree.h>
#include <pcct/view.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PCCT_VERSION_MAJOR 0
#define PCCT_VERSION_MINOR 1
#define PCCT_VERSION_PATCH 0

/* "0.1.0": of the library that is linked. Static storage; any thread. */
PCCT_PUBLIC const char *pcct_version_string(void);

#ifdef __cplusplus
}
#endif
#endif
