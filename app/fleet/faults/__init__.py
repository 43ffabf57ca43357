"""What is broken, who answers for it and until when: judging, the book of faults, policy and duties."""
