# Completion for @COMMAND@ in fish.  It asks the command itself (--options)
# and holds no option of its own.
@COMMAND@ --options 2>/dev/null | while read -l -d \t letter name arg choices help
    set -l o -c @COMMAND@ -l $name -d "$help"
    test -n "$letter"; and set -a o -s $letter
    if test -n "$choices"
        set -a o -x -a (string replace -a '|' ' ' -- $choices)
    else if contains -- "$arg" file dest
        set -a o -r -F
    else if test "$arg" = dir
        set -a o -x -a '(__fish_complete_directories)'
    else if test -n "$arg"
        set -a o -x
    end
    complete $o
end
