"""Reports made final for their readers: drafted, checked and published by people, signed, chained, and never changed."""
