# SPDX-License-Identifier: Apache-2.0
grid
pcct delete grid.pcct --labels 0 --quiet
try pcct fsck grid.pcct >report
sed -nE 's/.*(no damage; 2 of 2 versions readable).*/\1/p' report
pcct fsck grid.pcct --json | json_keys
pcct fsck grid.pcct --json | json_get schema versions versions_readable damaged
