#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bad_bundles.sh - every wrong bundle is refused with one line that names file, field and reason, with the
# exit status that runc gives, and leaves nothing behind. Usage: bad_bundles.sh [RUNSC [CASE...]]
exec python3 "$(dirname "$0")/bad_bundles.py" "$@"
