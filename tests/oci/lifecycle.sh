#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lifecycle.sh - create, start, exec, kill, delete in every state and order, and killed at any moment.
# Usage: lifecycle.sh [RUNSC [CASE...]]
exec python3 "$(dirname "$0")/lifecycle.py" "$@"
