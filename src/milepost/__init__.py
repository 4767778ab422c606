"""milepost: which product features mark the accounts that stay, and what to do next."""

import os

# threads that wait for work must not burn the processor: where others use it too, that costs a hundredfold;
# read once, when LightGBM or scikit-learn first start their threads
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
