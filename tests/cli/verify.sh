# SPDX-License-Identifier: Apache-2.0
places
pcct verify places.pcct | steady
pcct verify places.pcct --at v0 --json | steady
pcct verify places.pcct --sample 3 -k 2 --seed 5 --json | steady
zcat "$DATA/cities.csv.gz" | head -n 5001 >cities.csv
pcct insert places.pcct cities.csv -c lat,lng -b 1500 --quiet
pcct verify places.pcct --at main~1 --sample 300 -k 7 | steady
