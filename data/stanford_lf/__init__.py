"""The (New) Stanford Light Field Archive: gantry captures, 17x17 views."""
