# SPDX-License-Identifier: Apache-2.0
# Stored points asked by label, with and without themselves.
places
pcct knn places.pcct --labels 4,0 -k 2
pcct knn places.pcct --labels 4,0 -k 2 --exclude-self --format jsonl
printf '2\n' >which
pcct knn places.pcct --labels which -k 9 --exclude-self
try pcct knn places.pcct --labels 4,9 -k 2
try pcct knn places.pcct --labels 4 -k 2 --columns lat,lng
