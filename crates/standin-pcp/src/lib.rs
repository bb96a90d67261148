//! Chooses a PCP broker from pcp_broker_list and connects to it.
