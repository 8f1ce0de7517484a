# SPDX-License-Identifier: Apache-2.0
# No permission: named, and 6. The superuser may read everything, so this runs as nobody then.
grid
chmod 755 . ..
chmod -R a-rwx grid.pcct
if [ "$(id -u)" -eq 0 ]; then
    run="setpriv --reuid=65534 --regid=65534 --clear-groups"
else
    run=
fi
$run "$PCCT" info grid.pcct 2>err
echo "exit $?"
grep -c 'Permission denied' err
chmod 500 .
$run "$PCCT" create new.pcct --dim 2 2>err
echo "exit $?"
grep -c 'Permission denied' err
chmod 700 .
# One that may be read and not written to: not damage, and the ways out are named.
chmod -R u+rwX,go+rX grid.pcct
chmod 755 .
if [ "$(id -u)" -ne 0 ]; then chmod -R a-w grid.pcct; fi
for verb in info fsck; do
    $run "$PCCT" $verb grid.pcct 2>err
    echo "exit $?"
    grep -c 'copy the store.*Permission denied' err
done
