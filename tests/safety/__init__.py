"""`make safety`: nobody sees or changes what is not theirs, and every act can be proved (promises A1 to A5)."""
