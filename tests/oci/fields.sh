#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fields.sh - each field of config.json does what it says, seen from inside. Usage: fields.sh [RUNSC [CASE...]]
exec python3 "$(dirname "$0")/fields.py" "$@"
