# listen.pl - what the peers of the tests that are written in perl have in common.
use strict;
use warnings;
use IO::Socket::INET;

# Listens on a free port of this machine, which it writes to a file, and gives
# each connection to serve, in a process of its own.  Does not return.
sub serve_all
{
	my ($file, $serve) = @_;
	my $s = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1')
	    or die;
	open my $f, '>', "$file.new" or die;
	print $f $s->sockport, "\n";
	close $f;
	rename "$file.new", $file or die;
	$SIG{CHLD} = 'IGNORE';
	# Whoever still talks to somebody ends with it.
	setpgrp;
	$SIG{TERM} = sub { $SIG{TERM} = 'IGNORE'; kill TERM => -$$; exit 0 };
	while (1) {
		my $c = $s->accept or next;
		$c->autoflush(1);
		if (!fork) {
			$SIG{TERM} = 'DEFAULT';
			$serve->($c);
			exit 0;
		}
		close $c;
	}
}

1;
