sh "$top/tests/torture/hostile.sh" control || status=2
sh "$top/tests/torture/hostile.sh" || status=2
#!/bin/sh
# run.sh - all torture tests: make torture [CUTS=n] [CONTROL=n] [KILLS=n]
#
# Takes an hour as it is.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 3
O=${O:-$top/build}
export O
status=0
sh "$top/tests/torture/kill.sh" "${KILLS:-300}" || status=2
sh "$top/tests/torture/export.sh" "${KILLS:-300}" || status=2
sh "$top/tests/torture/faults.sh" || status=2
sh "$top/tests/torture/damaged.sh" "${DAMAGED:-100000}" || status=2
sh "$top/tests/torture/damaged.sh" control
sh "$top/tests/torture/send.sh" "${KILLS:-300}" || status=2
sh "$top/tests/torture/recv.sh" kill "${KILLS:-300}" || status=2
sh "$top/tests/torture/crowd.sh" "${SECONDS_AMONG:-600}" || status=2
sh "$top/tests/torture/crowd.sh" control
if [ "$(id -u)" = 0 ] && [ -e /dev/loop-control ]; then
	sh "$top/tests/torture/powercut.sh" -c "${CONTROL:-30}" || status=2
	sh "$top/tests/torture/powercut.sh" "${CUTS:-200}" || status=2
	sh "$top/tests/torture/recv.sh" control "${CONTROL:-30}" || status=2
	sh "$top/tests/torture/recv.sh" cut "${CUTS:-200}" || status=2
else
	echo 'powercut: skipped: only root can mount loop devices'
fi
exit $status
