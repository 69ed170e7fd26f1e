"""The results role: counts tiles, hands out more, joins finished jobs, repairs what crashes leave behind."""
