# SPDX-License-Identifier: Apache-2.0
# A store with a custom metric, made by the example: the tool has not the function. It tells what it can without, and says what it cannot.
decode() {
    "$PYTHON" -B "$DATA/../../formats/decode.py" "$@"
}
"$(dirname "$PCCT")"/tests/example_words words.pcct "$DATA/words.txt" >said
head -n 1 said
pcct info words.pcct | sed -n 's/^metric .*/&/p'
pcct info words.pcct --json | json_get metric custom_metric n_live blocks
pcct info words.pcct --levels | tail -n 6
pcct log words.pcct --json | json_get version n_live message
pcct net words.pcct --level 3
pcct dump words.pcct --labels 6
pcct verify words.pcct | steady
pcct verify words.pcct --json | json_get queries differences structure_only
pcct fsck words.pcct | steady
decode words.pcct --digests >decoded
head -n 3 decoded
echo 3 >more.csv
try pcct knn words.pcct --labels 3 -k 2
try pcct knn words.pcct more.csv -k 2
try pcct insert words.pcct more.csv
try pcct delete words.pcct --labels 3
try pcct create other.pcct --dim 1 --metric edit-distance
