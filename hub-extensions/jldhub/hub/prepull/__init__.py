"""`/hub/prepull`, on which admins see which node has which image, what is being pulled, and what failed."""
