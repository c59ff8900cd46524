# shellcheck shell=bash
# What the tests under tests/system need: sourced by tests/run, beside tests/tools.sh. A test's file names its tools in a
# line `# needs: TOOL...`, and tests/run calls get_TOOL for each.
