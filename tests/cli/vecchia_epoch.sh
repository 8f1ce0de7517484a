# SPDX-License-Identifier: Apache-2.0
# The documentation's example of training by epochs, on fewer places.
OPENBLAS_NUM_THREADS=1 "$PYTHON" "$DATA/../../docs/examples/vecchia_epoch.py" "$DATA/cities.csv.gz" 200 12
