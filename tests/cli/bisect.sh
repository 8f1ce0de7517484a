# SPDX-License-Identifier: Apache-2.0
# The version that something turned bad with, by halves.
pcct create s.pcct --dim 1 --quiet
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
    echo "$i" >row.csv
    pcct insert s.pcct row.csv --quiet
done
pcct bisect s.pcct v1 main --run 'test ${PCCT_REVISION#v} -lt 9'
pcct bisect s.pcct v0 main --json --quiet --run 'test "$("$PCCT" info "$PCCT_STORE" --at "$PCCT_REVISION" --json | grep -c "\"n_live\":1[0-9]")" = 0'
try pcct bisect s.pcct v1 main --quiet --run 'v=${PCCT_REVISION#v}; test $v -lt 5 && exit 0; test $v -gt 8 && exit 1; exit 125'
pcct branch s.pcct dev v3
pcct insert s.pcct row.csv --branch dev --quiet
try pcct bisect s.pcct main dev --run true
try pcct bisect s.pcct v2 v2 --run true
try pcct bisect s.pcct v2 v5
try pcct bisect s.pcct v2 v5 --run 'exit 200'
