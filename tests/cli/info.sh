# SPDX-License-Identifier: Apache-2.0
places
pcct info places.pcct --json | json_keys
pcct info places.pcct --json | json_get schema dim metric seed head version n_live n_rows twins
pcct info places.pcct --at v0 --json | json_get version n_live root_label
pcct info places.pcct | sed -nE 's/^(store|metric|main|version|points) .*/&/p'
