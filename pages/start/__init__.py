"""Start here: six steps for somebody who has never seen a convolution."""
