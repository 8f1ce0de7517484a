# SPDX-License-Identifier: Apache-2.0
# The documentation's example, on fewer places: likelihood and divergence as statistics has them.
OPENBLAS_NUM_THREADS=1 "$PYTHON" "$DATA/../../docs/examples/vecchia.py" "$DATA/cities.csv.gz" 300 | grep -v 'KL divergence'
