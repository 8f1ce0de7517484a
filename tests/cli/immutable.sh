# SPDX-License-Identifier: Apache-2.0
# A store that nothing may be written to is read all the same, and nothing is written to it.
places
rm -f places.pcct/pins places.pcct/catalogue.mdb-lock places.pcct/LOCK
ls places.pcct >before
try pcct info places.pcct
pcct knn places.pcct --labels 0 -k 2 --exclude-self --immutable
pcct log places.pcct --immutable | steady | sed -E 's/ [0-9a-f]{10} / IDENTITY /'
pcct verify places.pcct --immutable >/dev/null && echo verified
for verb in show du reflog branch tag "kernel show" "radius -r 9 --labels 0" "graph -k 1" order "vecchia -m 2 -o v.npz" "net --level 3" dump \
            "diff v0" "diff v0 --neighbours -k 1" "bisect v0 v1 --run false" policy "bundle -o v.bundle" "backup v.pcct"; do
    set -- ${verb%% *} places.pcct
    [ "$verb" = "$1" ] || set -- "$@" ${verb#* }
    [ "$1 $3" != "kernel show" ] || set -- kernel show places.pcct
    pcct "$@" --immutable >printed 2>said
    echo "$verb: exit $?, $(cat said)"
done
try pcct branch places.pcct dev v1 --immutable
try pcct kernel set places.pcct --kernel rbf --immutable
try pcct policy places.pcct --keep-last 2 --immutable
ls places.pcct >after
cmp before after && echo untouched

# Of durability: what is written is there, and the mark of unsynced commits goes with the process.
touch places.pcct/LOCK
for level in full wal none; do
    echo 1,2 | pcct insert places.pcct - --durability $level --quiet && ls places.pcct | grep UNSYNCED
done
pcct log places.pcct --json | json_get version
try pcct insert places.pcct places.csv --durability paper
echo "$(pcct fsck places.pcct >/dev/null; echo $?)"

# With less address space than the catalogue may grow to.
(ulimit -v 3000000 && pcct knn places.pcct --labels 0 -k 2 --exclude-self)
(ulimit -v 3000000 && echo 3,4 | pcct insert places.pcct - --quiet)
pcct log places.pcct -n 1 --json | json_get version
